/**
 * What the configurations say that ship with these packages: images of a step, their size, optimizer and traits, by the
 * name of the file. Base files are resolved without running them. Sources: mmdet 3.3.0, mmsegmentation 1.2.2, mmaction2
 * 1.2.0, mmyolo 0.6.0 (images of one device), detectron2 02b5c4e (images of all devices).
 *
 * A line is `name images size optimizer traits`; what is left out at its end is the usual. Size: `HEIGHTxWIDTH`;
 * `SHORT<LONG` or `LEAST-MOST<LONG` for a short side and a longest, with `+` where images are cropped before (DETR);
 * `LEAST-MOST` for a square of changing size. Optimizer:
 * W AdamW, A Adam, `-` SGD. Traits: a autocast to fp16, b to bf16, e a moving average of the weights, c checkpointing of
 * the backbone, a number of accumulated steps.
 */
export const SHIPPED_CONFIGS: Readonly<Record<'mmdet' | 'mmseg' | 'mmaction' | 'mmyolo' | 'detectron2', string>> = {
  mmdet: `
mask-rcnn_r50_fpn_albu-1x_coco 2 800<1333
atss_r101_fpn_1x_coco 2 800<1333
atss_r101_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
atss_r18_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
atss_r50_fpn_1x_coco 2 800<1333
atss_r50_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
autoassign_r50-caffe_fpn_1x_coco 2 800<1333
boxinst_r101_fpn_ms-90k_coco 2 640-800<1333
boxinst_r50_fpn_ms-90k_coco 2 640-800<1333
faster-rcnn_r50_fpn-carafe_1x_coco 2 800<1333
mask-rcnn_r50_fpn-carafe_1x_coco 2 800<1333
cascade-mask-rcnn_r101-caffe_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_r101-caffe_fpn_ms-3x_coco 2 640-800<1333
cascade-mask-rcnn_r101_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_r101_fpn_20e_coco 2 800<1333
cascade-mask-rcnn_r101_fpn_ms-3x_coco 2 640-800<1333
cascade-mask-rcnn_r50-caffe_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_r50-caffe_fpn_ms-3x_coco 2 640-800<1333
cascade-mask-rcnn_r50_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_r50_fpn_20e_coco 2 800<1333
cascade-mask-rcnn_r50_fpn_ms-3x_coco 2 640-800<1333
cascade-mask-rcnn_x101-32x4d_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_x101-32x4d_fpn_20e_coco 2 800<1333
cascade-mask-rcnn_x101-32x4d_fpn_ms-3x_coco 2 640-800<1333
cascade-mask-rcnn_x101-32x8d_fpn_ms-3x_coco 2 640-800<1333
cascade-mask-rcnn_x101-64x4d_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_x101-64x4d_fpn_20e_coco 2 800<1333
cascade-mask-rcnn_x101-64x4d_fpn_ms-3x_coco 2 640-800<1333
cascade-rcnn_r101-caffe_fpn_1x_coco 2 800<1333
cascade-rcnn_r101_fpn_1x_coco 2 800<1333
cascade-rcnn_r101_fpn_20e_coco 2 800<1333
cascade-rcnn_r101_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
cascade-rcnn_r18_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
cascade-rcnn_r50-caffe_fpn_1x_coco 2 800<1333
cascade-rcnn_r50_fpn_1x_coco 2 800<1333
cascade-rcnn_r50_fpn_20e_coco 2 800<1333
cascade-rcnn_r50_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
cascade-rcnn_x101-32x4d_fpn_1x_coco 2 800<1333
cascade-rcnn_x101-32x4d_fpn_20e_coco 2 800<1333
cascade-rcnn_x101-64x4d_fpn_1x_coco 2 800<1333
cascade-rcnn_x101_64x4d_fpn_20e_coco 2 800<1333
cascade-rpn_fast-rcnn_r50-caffe_fpn_1x_coco 2 800<1333
cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco 2 800<1333
cascade-rpn_r50-caffe_fpn_1x_coco 2 800<1333
centernet-update_r101_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
centernet-update_r18_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
centernet-update_r50-caffe_fpn_ms-1x_coco 2 640-800<1333
centernet-update_r50_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
centernet_r18-dcnv2_8xb16-crop512-140e_coco 16 512<512
centernet_r18_8xb16-crop512-140e_coco 16 512<512
centripetalnet_hourglass104_16xb6-crop511-210e-mstest_coco 6 511<511 A
faster-rcnn_r50_fpn_1x_cityscapes 1 800-1024<2048
mask-rcnn_r50_fpn_1x_cityscapes 1 800-1024<2048
condinst_r50_fpn_ms-poly-90k_coco_instance 2 640-800<1333
conditional-detr_r50_8xb2-50e_coco 2 480-800<1333+ W
cascade-mask-rcnn_convnext-s-p4-w7_fpn_4conv1fc-giou_amp-ms-crop-3x_coco 2 480-800<1333+ W a
cascade-mask-rcnn_convnext-t-p4-w7_fpn_4conv1fc-giou_amp-ms-crop-3x_coco 2 480-800<1333+ W a
mask-rcnn_convnext-t-p4-w7_fpn_amp-ms-crop-3x_coco 2 480-800<1333+ W a
cornernet_hourglass104_10xb5-crop511-210e-mstest_coco 5 511<511 A
cornernet_hourglass104_32xb3-210e-mstest_coco 3 511<511 A
cornernet_hourglass104_8xb6-210e-mstest_coco 6 511<511 A
crowddet-rcnn_r50_fpn_8xb2-30e_crowdhuman 2
crowddet-rcnn_refine_r50_fpn_8xb2-30e_crowdhuman 2
dab-detr_r50_8xb2-50e_coco 2 480-800<1333+ W
cascade-mask-rcnn_r101-dconv-c3-c5_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_r50-dconv-c3-c5_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_x101-32x4d-dconv-c3-c5_fpn_1x_coco 2 800<1333
cascade-rcnn_r101-dconv-c3-c5_fpn_1x_coco 2 800<1333
cascade-rcnn_r50-dconv-c3-c5_fpn_1x_coco 2 800<1333
faster-rcnn_r101-dconv-c3-c5_fpn_1x_coco 2 800<1333
faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco 2 800<1333
faster-rcnn_r50_fpn_dpool_1x_coco 2 800<1333
faster-rcnn_x101-32x4d-dconv-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r101-dconv-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r50-dconv-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r50-dconv-c3-c5_fpn_amp-1x_coco 2 800<1333
faster-rcnn_r50-mdconv-c3-c5_fpn_1x_coco 2 800<1333
faster-rcnn_r50-mdconv-group4-c3-c5_fpn_1x_coco 2 800<1333
faster-rcnn_r50_fpn_mdpool_1x_coco 2 800<1333
mask-rcnn_r50-mdconv-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r50-mdconv-c3-c5_fpn_amp-1x_coco 2 800<1333
ddod_r50_fpn_1x_coco 2 800<1333
ddq-detr-4scale_r50_8xb2-12e_coco 2 480-800<1333+ W
ddq-detr-4scale_swinl_8xb2-30e_coco 2 480-800<1333+ W
ddq-detr-5scale_r50_8xb2-12e_coco 2 480-800<1333+ W
mask-rcnn_r50_fpn_15e_deepfashion 2 750<1101
deformable-detr-refine-twostage_r50_16xb2-50e_coco 2 480-800<1333+ W
deformable-detr-refine_r50_16xb2-50e_coco 2 480-800<1333+ W
deformable-detr_r50_16xb2-50e_coco 2 480-800<1333+ W
cascade-rcnn_r50-rfp_1x_coco 2 800<1333
cascade-rcnn_r50-sac_1x_coco 2 800<1333
detectors_cascade-rcnn_r50_1x_coco 2 800<1333
detectors_htc-r101_20e_coco 2 800<1333
detectors_htc-r50_1x_coco 2 800<1333
htc_r50-rfp_1x_coco 2 800<1333
htc_r50-sac_1x_coco 2 800<1333
detr_r101_8xb2-500e_coco 2 480-800<1333+ W
detr_r18_8xb2-500e_coco 2 480-800<1333+ W
detr_r50_8xb2-150e_coco 2 480-800<1333+ W
detr_r50_8xb2-500e_coco 2 480-800<1333+ W
dino-4scale_r50_8xb2-12e_coco 2 480-800<1333+ W
dino-4scale_r50_8xb2-24e_coco 2 480-800<1333+ W
dino-4scale_r50_8xb2-36e_coco 2 480-800<1333+ W
dino-4scale_r50_improved_8xb2-12e_coco 2 480-800<1333+ W
dino-5scale_swin-l_8xb2-12e_coco 2 480-800<1333+ W c
dino-5scale_swin-l_8xb2-36e_coco 2 480-800<1333+ W c
dh-faster-rcnn_r50_fpn_1x_coco 2 800<1333
coco 2 800<1333
coco_instance 2 800<1333
objects365v2 2 800<1333
atss_r50-caffe_fpn_dyhead_1x_coco 2 800<1333
atss_r50_fpn_dyhead_1x_coco 2 800<1333
atss_swin-l-p4-w12_fpn_dyhead_ms-2x_coco 2 480-1200<2000 W
dynamic-rcnn_r50_fpn_1x_coco 2 800<1333
retinanet_effb3_fpn_8xb4-crop896-1x_coco 4 896x896
faster-rcnn_r50-attn0010-dcn_fpn_1x_coco 2 800<1333
faster-rcnn_r50-attn0010_fpn_1x_coco 2 800<1333
faster-rcnn_r50-attn1111-dcn_fpn_1x_coco 2 800<1333
faster-rcnn_r50-attn1111_fpn_1x_coco 2 800<1333
fast-rcnn_r101-caffe_fpn_1x_coco 2 800<1333
fast-rcnn_r101_fpn_1x_coco 2 800<1333
fast-rcnn_r101_fpn_2x_coco 2 800<1333
fast-rcnn_r50-caffe_fpn_1x_coco 2 800<1333
fast-rcnn_r50_fpn_1x_coco 2 800<1333
fast-rcnn_r50_fpn_2x_coco 2 800<1333
faster-rcnn_r101-caffe_fpn_1x_coco 2 800<1333
faster-rcnn_r101-caffe_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_r101_fpn_1x_coco 2 800<1333
faster-rcnn_r101_fpn_2x_coco 2 800<1333
faster-rcnn_r101_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
faster-rcnn_r101_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_r18_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
faster-rcnn_r50-caffe-c4_ms-1x_coco 2 800<1333
faster-rcnn_r50-caffe-dc5_1x_coco 2 800<1333
faster-rcnn_r50-caffe-dc5_ms-1x_coco 2 800<1333
faster-rcnn_r50-caffe-dc5_ms-3x_coco 2 800<1333
faster-rcnn_r50-caffe_c4-1x_coco 2 800<1333
faster-rcnn_r50-caffe_fpn_1x_coco 2 800<1333
faster-rcnn_r50-caffe_fpn_90k_coco 2 800<1333
faster-rcnn_r50-caffe_fpn_ms-1x_coco-person-bicycle-car 2 800<1333
faster-rcnn_r50-caffe_fpn_ms-1x_coco-person 2 800<1333
faster-rcnn_r50-caffe_fpn_ms-1x_coco 2 800<1333
faster-rcnn_r50-caffe_fpn_ms-2x_coco 2 800<1333
faster-rcnn_r50-caffe_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_r50-caffe_fpn_ms-90k_coco 2 800<1333
faster-rcnn_r50-tnr-pre_fpn_1x_coco 2 800<1333 W
faster-rcnn_r50_fpn_1x_coco 2 800<1333
faster-rcnn_r50_fpn_2x_coco 2 800<1333
faster-rcnn_r50_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
faster-rcnn_r50_fpn_amp-1x_coco 2 800<1333
faster-rcnn_r50_fpn_bounded-iou_1x_coco 2 800<1333
faster-rcnn_r50_fpn_ciou_1x_coco 2 800<1333
faster-rcnn_r50_fpn_fcos-rpn_1x_coco 2 800<1333
faster-rcnn_r50_fpn_giou_1x_coco 2 800<1333
faster-rcnn_r50_fpn_iou_1x_coco 2 800<1333
faster-rcnn_r50_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_r50_fpn_ohem_1x_coco 2 800<1333
faster-rcnn_r50_fpn_soft-nms_1x_coco 2 800<1333
faster-rcnn_x101-32x4d_fpn_1x_coco 2 800<1333
faster-rcnn_x101-32x4d_fpn_2x_coco 2 800<1333
faster-rcnn_x101-32x4d_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_x101-32x8d_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_x101-64x4d_fpn_1x_coco 2 800<1333
faster-rcnn_x101-64x4d_fpn_2x_coco 2 800<1333
faster-rcnn_x101-64x4d_fpn_ms-3x_coco 2 640-800<1333
fcos_r101-caffe_fpn_gn-head-1x_coco 2 800<1333
fcos_r101-caffe_fpn_gn-head_ms-640-800-2x_coco 2 640-800<1333
fcos_r101_fpn_gn-head-center-normbbox-centeronreg-giou_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
fcos_r18_fpn_gn-head-center-normbbox-centeronreg-giou_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
fcos_r50-caffe_fpn_gn-head-center-normbbox-centeronreg-giou_1x_coco 2 800<1333
fcos_r50-caffe_fpn_gn-head-center_1x_coco 2 800<1333
fcos_r50-caffe_fpn_gn-head_1x_coco 2 800<1333
fcos_r50-caffe_fpn_gn-head_4xb4-1x_coco 4 800<1333
fcos_r50-caffe_fpn_gn-head_ms-640-800-2x_coco 2 640-800<1333
fcos_r50-dcn-caffe_fpn_gn-head-center-normbbox-centeronreg-giou_1x_coco 2 800<1333
fcos_r50_fpn_gn-head-center-normbbox-centeronreg-giou_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
fcos_x101-64x4d_fpn_gn-head_ms-640-800-2x_coco 2 640-800<1333
fovea_r101_fpn_4xb4-1x_coco 4 800<1333
fovea_r101_fpn_4xb4-2x_coco 4 800<1333
fovea_r101_fpn_gn-head-align_4xb4-2x_coco 4 800<1333
fovea_r101_fpn_gn-head-align_ms-640-800-4xb4-2x_coco 4 640-800<1333
fovea_r50_fpn_4xb4-1x_coco 4 800<1333
fovea_r50_fpn_4xb4-2x_coco 4 800<1333
fovea_r50_fpn_gn-head-align_4xb4-2x_coco 4 800<1333
fovea_r50_fpn_gn-head-align_ms-640-800-4xb4-2x_coco 4 640-800<1333
faster-rcnn_r50_fpg-chn128_crop640-50e_coco 8 640x640
faster-rcnn_r50_fpg_crop640-50e_coco 8 640x640
faster-rcnn_r50_fpn_crop640-50e_coco 8 640x640
mask-rcnn_r50_fpg-chn128_crop640-50e_coco 8 640x640
mask-rcnn_r50_fpg_crop640-50e_coco 8 640x640
mask-rcnn_r50_fpn_crop640-50e_coco 8 640x640
retinanet_r50_fpg-chn128_crop640_50e_coco 8 640x640
retinanet_r50_fpg_crop640_50e_coco 8 640x640
freeanchor_r101_fpn_1x_coco 2 800<1333
freeanchor_r50_fpn_1x_coco 2 800<1333
freeanchor_x101-32x4d_fpn_1x_coco 2 800<1333
fsaf_r101_fpn_1x_coco 2 800<1333
fsaf_r50_fpn_1x_coco 2 800<1333
fsaf_x101-64x4d_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_x101-32x4d-syncbn-dconv-c3-c5-r16-gcb-c3-c5_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_x101-32x4d-syncbn-dconv-c3-c5-r4-gcb-c3-c5_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_x101-32x4d-syncbn-dconv-c3-c5_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_x101-32x4d-syncbn-r16-gcb-c3-c5_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_x101-32x4d-syncbn-r4-gcb-c3-c5_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_x101-32x4d-syncbn_fpn_1x_coco 2 800<1333
mask-rcnn_r101-gcb-r16-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r101-gcb-r4-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r101-syncbn-gcb-r16-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r101-syncbn-gcb-r4-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r101-syncbn_fpn_1x_coco 2 800<1333
mask-rcnn_r50-gcb-r16-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r50-gcb-r4-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r50-syncbn-gcb-r16-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r50-syncbn-gcb-r4-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_r50-syncbn_fpn_1x_coco 2 800<1333
mask-rcnn_x101-32x4d-syncbn-gcb-r16-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_x101-32x4d-syncbn-gcb-r4-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_x101-32x4d-syncbn_fpn_1x_coco 2 800<1333
gfl_r101-dconv-c3-c5_fpn_ms-2x_coco 2 480-800<1333
gfl_r101_fpn_ms-2x_coco 2 480-800<1333
gfl_r50_fpn_1x_coco 2 800<1333
gfl_r50_fpn_ms-2x_coco 2 480-800<1333
gfl_x101-32x4d-dconv-c4-c5_fpn_ms-2x_coco 2 480-800<1333
gfl_x101-32x4d_fpn_ms-2x_coco 2 480-800<1333
retinanet_r101_fpn_ghm-1x_coco 2 800<1333
retinanet_r50_fpn_ghm-1x_coco 2 800<1333
retinanet_x101-32x4d_fpn_ghm-1x_coco 2 800<1333
retinanet_x101-64x4d_fpn_ghm-1x_coco 2 800<1333
glip_atss_swin-t_c_fpn_dyhead_pretrain_obj365-goldg_zeroshot_flickr30k 2 800<1333
glip_atss_swin-l_fpn_dyhead_16xb2_ms-2x_funtune_coco 2 480-800<1333 W
glip_atss_swin-l_fpn_dyhead_pretrain_mixeddata 2 800<1333
glip_atss_swin-t_a_fpn_dyhead_16xb2_ms-2x_funtune_coco 2 480-800<1333 W
glip_atss_swin-t_a_fpn_dyhead_pretrain_obj365 2 800<1333
glip_atss_swin-t_b_fpn_dyhead_16xb2_ms-2x_funtune_coco 2 480-800<1333 W
glip_atss_swin-t_b_fpn_dyhead_pretrain_obj365 2 800<1333
glip_atss_swin-t_c_fpn_dyhead_16xb2_ms-2x_funtune_coco 2 480-800<1333 W
glip_atss_swin-t_c_fpn_dyhead_pretrain_obj365-goldg 2 800<1333
glip_atss_swin-t_fpn_dyhead_16xb2_ms-2x_funtune_coco 2 480-800<1333 W
glip_atss_swin-t_fpn_dyhead_pretrain_obj365-goldg-cc3m-sub 2 800<1333
glip_atss_swin-l_fpn_dyhead_pretrain_zeroshot_lvis 2 800<1333
glip_atss_swin-l_fpn_dyhead_pretrain_zeroshot_mini-lvis 2 800<1333
glip_atss_swin-t_a_fpn_dyhead_pretrain_zeroshot_lvis 2 800<1333
glip_atss_swin-t_a_fpn_dyhead_pretrain_zeroshot_mini-lvis 2 800<1333
glip_atss_swin-t_bc_fpn_dyhead_pretrain_zeroshot_lvis 2 800<1333
glip_atss_swin-t_bc_fpn_dyhead_pretrain_zeroshot_mini-lvis 2 800<1333
glip_atss_swin-t_a_fpn_dyhead_pretrain_odinw13 2 800<1333
glip_atss_swin-t_a_fpn_dyhead_pretrain_odinw35 2 800<1333
glip_atss_swin-t_bc_fpn_dyhead_pretrain_odinw13 2 800<1333
glip_atss_swin-t_bc_fpn_dyhead_pretrain_odinw35 2 800<1333
faster-rcnn_r101_fpn_gn-ws-all_1x_coco 2 800<1333
faster-rcnn_r50_fpn_gn-ws-all_1x_coco 2 800<1333
faster-rcnn_x101-32x4d_fpn_gn-ws-all_1x_coco 2 800<1333
faster-rcnn_x50-32x4d_fpn_gn-ws-all_1x_coco 2 800<1333
mask-rcnn_r101_fpn_gn-ws-all_20-23-24e_coco 2 800<1333
mask-rcnn_r101_fpn_gn-ws-all_2x_coco 2 800<1333
mask-rcnn_r50_fpn_gn-ws-all_20-23-24e_coco 2 800<1333
mask-rcnn_r50_fpn_gn-ws-all_2x_coco 2 800<1333
mask-rcnn_x101-32x4d_fpn_gn-ws-all_20-23-24e_coco 2 800<1333
mask-rcnn_x101-32x4d_fpn_gn-ws-all_2x_coco 2 800<1333
mask-rcnn_x50-32x4d_fpn_gn-ws-all_20-23-24e_coco 2 800<1333
mask-rcnn_x50-32x4d_fpn_gn-ws-all_2x_coco 2 800<1333
mask-rcnn_r101_fpn_gn-all_2x_coco 2 800<1333
mask-rcnn_r101_fpn_gn-all_3x_coco 2 800<1333
mask-rcnn_r50-contrib_fpn_gn-all_2x_coco 2 800<1333
mask-rcnn_r50-contrib_fpn_gn-all_3x_coco 2 800<1333
mask-rcnn_r50_fpn_gn-all_2x_coco 2 800<1333
mask-rcnn_r50_fpn_gn-all_3x_coco 2 800<1333
grid-rcnn_r101_fpn_gn-head_2x_coco 2 800<1333
grid-rcnn_r50_fpn_gn-head_1x_coco 2 800<1333
grid-rcnn_r50_fpn_gn-head_2x_coco 2 800<1333
grid-rcnn_x101-32x4d_fpn_gn-head_2x_coco 2 800<1333
grid-rcnn_x101-64x4d_fpn_gn-head_2x_coco 2 800<1333
faste-rcnn_r50_fpn_groie_1x_coco 2 800<1333
grid-rcnn_r50_fpn_gn-head-groie_1x_coco 2 800<1333
mask-rcnn_r101_fpn_syncbn-r4-gcb_c3-c5-groie_1x_coco 2 800<1333
mask-rcnn_r50_fpn_groie_1x_coco 2 800<1333
mask-rcnn_r50_fpn_syncbn-r4-gcb-c3-c5-groie_1x_coco 2 800<1333
grounding_dino_swin-b_pretrain_zeroshot_concat_dod 2 800<1333
grounding_dino_swin-b_pretrain_zeroshot_parallel_dod 2 800<1333
grounding_dino_swin-t_pretrain_zeroshot_concat_dod 2 800<1333
grounding_dino_swin-t_pretrain_zeroshot_parallel_dod 2 800<1333
grounding_dino_swin-t-pretrain_zeroshot_flickr30k 2 800<1333
grounding_dino_r50_scratch_8xb2_1x_coco 2 480-800<1333 W
grounding_dino_swin-b_finetune_16xb2_1x_coco 2 480-800<1333 W c
grounding_dino_swin-b_pretrain_mixeddata 2 800<1333
grounding_dino_swin-t_finetune_16xb2_1x_coco 2 480-800<1333 W c
grounding_dino_swin-t_finetune_8xb2_20e_cat 2 480-800<1333 W c
grounding_dino_swin-t_pretrain_obj365_goldg_cap4m 2 800<1333
grounding_dino_swin-b_pretrain_zeroshot_lvis 2 800<1333
grounding_dino_swin-b_pretrain_zeroshot_mini-lvis 2 800<1333
grounding_dino_swin-t_pretrain_zeroshot_lvis 2 800<1333
grounding_dino_swin-t_pretrain_zeroshot_mini-lvis 2 800<1333
grounding_dino_swin-b_pretrain_odinw13 2 800<1333
grounding_dino_swin-b_pretrain_odinw35 2 800<1333
grounding_dino_swin-t_pretrain_odinw13 2 800<1333
grounding_dino_swin-t_pretrain_odinw35 2 800<1333
grounding_dino_swin-b_pretrain_zeroshot_refexp 2 800<1333
grounding_dino_swin-t_pretrain_zeroshot_refexp 2 800<1333
ga-fast-rcnn_r50-caffe_fpn_1x_coco 2 800<1333
ga-faster-rcnn_r101-caffe_fpn_1x_coco 2 800<1333
ga-faster-rcnn_r50-caffe_fpn_1x_coco 2 800<1333
ga-faster-rcnn_r50_fpn_1x_coco 2 800<1333
ga-faster-rcnn_x101-32x4d_fpn_1x_coco 2 800<1333
ga-faster-rcnn_x101-64x4d_fpn_1x_coco 2 800<1333
ga-retinanet_r101-caffe_fpn_1x_coco 2 800<1333
ga-retinanet_r101-caffe_fpn_ms-2x 2 480-960<1333
ga-retinanet_r50-caffe_fpn_1x_coco 2 800<1333
ga-retinanet_r50_fpn_1x_coco 2 800<1333
ga-retinanet_x101-32x4d_fpn_1x_coco 2 800<1333
ga-retinanet_x101-64x4d_fpn_1x_coco 2 800<1333
ga-rpn_r101-caffe_fpn_1x_coco 2 800<1333
ga-rpn_r50-caffe_fpn_1x_coco 2 800<1333
ga-rpn_r50_fpn_1x_coco 2 800<1333
ga-rpn_x101-32x4d_fpn_1x_coco 2 800<1333
ga-rpn_x101-64x4d_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_hrnetv2p-w18_20e_coco 2 800<1333
cascade-mask-rcnn_hrnetv2p-w32_20e_coco 2 800<1333
cascade-mask-rcnn_hrnetv2p-w40-20e_coco 2 800<1333
cascade-rcnn_hrnetv2p-w18-20e_coco 2 800<1333
cascade-rcnn_hrnetv2p-w32-20e_coco 2 800<1333
cascade-rcnn_hrnetv2p-w40-20e_coco 2 800<1333
faster-rcnn_hrnetv2p-w18-1x_coco 2 800<1333
faster-rcnn_hrnetv2p-w18-2x_coco 2 800<1333
faster-rcnn_hrnetv2p-w32-1x_coco 2 800<1333
faster-rcnn_hrnetv2p-w32_2x_coco 2 800<1333
faster-rcnn_hrnetv2p-w40-1x_coco 2 800<1333
faster-rcnn_hrnetv2p-w40_2x_coco 2 800<1333
fcos_hrnetv2p-w18-gn-head_4xb4-1x_coco 4 800<1333
fcos_hrnetv2p-w18-gn-head_4xb4-2x_coco 4 800<1333
fcos_hrnetv2p-w18-gn-head_ms-640-800-4xb4-2x_coco 4 640-800<1333
fcos_hrnetv2p-w32-gn-head_4xb4-1x_coco 4 800<1333
fcos_hrnetv2p-w32-gn-head_4xb4-2x_coco 4 800<1333
fcos_hrnetv2p-w32-gn-head_ms-640-800-4xb4-2x_coco 4 640-800<1333
fcos_hrnetv2p-w40-gn-head_ms-640-800-4xb4-2x_coco 4 640-800<1333
htc_hrnetv2p-w18_20e_coco 2 800<1333
htc_hrnetv2p-w32_20e_coco 2 800<1333
htc_hrnetv2p-w40_20e_coco 2 800<1333
htc_hrnetv2p-w40_28e_coco 2 800<1333
htc_x101-64x4d_fpn_16xb1-28e_coco 1 800<1333
mask-rcnn_hrnetv2p-w18-1x_coco 2 800<1333
mask-rcnn_hrnetv2p-w18-2x_coco 2 800<1333
mask-rcnn_hrnetv2p-w32-1x_coco 2 800<1333
mask-rcnn_hrnetv2p-w32-2x_coco 2 800<1333
mask-rcnn_hrnetv2p-w40-2x_coco 2 800<1333
mask-rcnn_hrnetv2p-w40_1x_coco 2 800<1333
htc-without-semantic_r50_fpn_1x_coco 2 800<1333
htc_r101_fpn_20e_coco 2 800<1333
htc_r50_fpn_1x_coco 2 800<1333
htc_r50_fpn_20e_coco 2 800<1333
htc_x101-32x4d_fpn_16xb1-20e_coco 1 800<1333
htc_x101-64x4d-dconv-c3-c5_fpn_ms-400-1400-16xb1-20e_coco 1 400-1400<1600
htc_x101-64x4d_fpn_16xb1-20e_coco 1 800<1333
cascade-mask-rcnn_r101_fpn_instaboost-4x_coco 2 800<1333
cascade-mask-rcnn_r50_fpn_instaboost-4x_coco 2 800<1333
cascade-mask-rcnn_x101-64x4d_fpn_instaboost-4x_coco 2 800<1333
mask-rcnn_r101_fpn_instaboost-4x_coco 2 800<1333
mask-rcnn_r50_fpn_instaboost-4x_coco 2 800<1333
mask-rcnn_x101-64x4d_fpn_instaboost-4x_coco 2 800<1333
lad_r101-paa-r50_fpn_2xb8_coco_1x 8 800<1333 - a
lad_r50-paa-r101_fpn_2xb8_coco_1x 8 800<1333 - a
ld_r101-gflv1-r101-dcn_fpn_2x_coco 2 480-800<1333
ld_r18-gflv1-r101_fpn_1x_coco 2 800<1333
ld_r34-gflv1-r101_fpn_1x_coco 2 800<1333
ld_r50-gflv1-r101_fpn_1x_coco 2 800<1333
cascade-mask-rcnn_r50_fpn_1x_coco_v1 2 800<1333
faster-rcnn_r50_fpn_1x_coco_v1 2 800<1333
mask-rcnn_r50_fpn_1x_coco_v1 2 800<1333
retinanet_r50-caffe_fpn_1x_coco_v1 2 800<1333
retinanet_r50_fpn_1x_coco_v1 2 800<1333
ssd300_coco_v1 2 800<1333
libra-fast-rcnn_r50_fpn_1x_coco 2 800<1333
libra-faster-rcnn_r101_fpn_1x_coco 2 800<1333
libra-faster-rcnn_r50_fpn_1x_coco 2 800<1333
libra-faster-rcnn_x101-64x4d_fpn_1x_coco 2 800<1333
libra-retinanet_r50_fpn_1x_coco 2 800<1333
mask-rcnn_r101_fpn_sample1e-3_ms-1x_lvis-v1 2 640-800<1333
mask-rcnn_r101_fpn_sample1e-3_ms-2x_lvis-v0.5 2 640-800<1333
mask-rcnn_r50_fpn_sample1e-3_ms-1x_lvis-v1 2 640-800<1333
mask-rcnn_r50_fpn_sample1e-3_ms-2x_lvis-v0.5 2 640-800<1333
mask-rcnn_x101-32x4d_fpn_sample1e-3_ms-1x_lvis-v1 2 640-800<1333
mask-rcnn_x101-32x4d_fpn_sample1e-3_ms-2x_lvis-v0.5 2 640-800<1333
mask-rcnn_x101-64x4d_fpn_sample1e-3_ms-1x_lvis-v1 2 640-800<1333
mask-rcnn_x101-64x4d_fpn_sample1e-3_ms-2x_lvis-v0.5 2 640-800<1333
mask2former_r101_8xb2-lsj-50e_coco-panoptic 2 1024x1024 W
mask2former_r101_8xb2-lsj-50e_coco 2 1024x1024 W
mask2former_r50_8xb2-lsj-50e_coco-panoptic 2 1024x1024 W
mask2former_r50_8xb2-lsj-50e_coco 2 1024x1024 W
mask2former_swin-b-p4-w12-384-in21k_8xb2-lsj-50e_coco-panoptic 2 1024x1024 W
mask2former_swin-b-p4-w12-384_8xb2-lsj-50e_coco-panoptic 2 1024x1024 W
mask2former_swin-l-p4-w12-384-in21k_16xb1-lsj-100e_coco-panoptic 1 1024x1024 W
mask2former_swin-s-p4-w7-224_8xb2-lsj-50e_coco-panoptic 2 1024x1024 W
mask2former_swin-s-p4-w7-224_8xb2-lsj-50e_coco 2 1024x1024 W
mask2former_swin-t-p4-w7-224_8xb2-lsj-50e_coco-panoptic 2 1024x1024 W
mask2former_swin-t-p4-w7-224_8xb2-lsj-50e_coco 2 1024x1024 W
mask2former_r101_8xb2-8e_youtubevis2019 2 360<640 W
mask2former_r101_8xb2-8e_youtubevis2021 2 360<640 W
mask2former_r50_8xb2-8e_youtubevis2019 2 360<640 W
mask2former_r50_8xb2-8e_youtubevis2021 2 360<640 W
mask2former_swin-l-p4-w12-384-in21k_8xb2-8e_youtubevis2021 2 360<640 W
mask-rcnn_r101-caffe_fpn_1x_coco 2 800<1333
mask-rcnn_r101-caffe_fpn_ms-poly-3x_coco 2 640-800<1333
mask-rcnn_r101_fpn_1x_coco 2 800<1333
mask-rcnn_r101_fpn_2x_coco 2 800<1333
mask-rcnn_r101_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
mask-rcnn_r101_fpn_ms-poly-3x_coco 2 640-800<1333
mask-rcnn_r18_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
mask-rcnn_r50-caffe-c4_1x_coco 2 800<1333
mask-rcnn_r50-caffe_fpn_1x_coco 2 800<1333
mask-rcnn_r50-caffe_fpn_ms-1x_coco 2 640-800<1333
mask-rcnn_r50-caffe_fpn_ms-poly-1x_coco 2 640-800<1333
mask-rcnn_r50-caffe_fpn_ms-poly-2x_coco 2 640-800<1333
mask-rcnn_r50-caffe_fpn_ms-poly-3x_coco 2 640-800<1333
mask-rcnn_r50-caffe_fpn_poly-1x_coco_v1 2 800<1333
mask-rcnn_r50_fpn_1x-wandb_coco 2 800<1333
mask-rcnn_r50_fpn_1x_coco 2 800<1333
mask-rcnn_r50_fpn_2x_coco 2 800<1333
mask-rcnn_r50_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
mask-rcnn_r50_fpn_amp-1x_coco 2 800<1333 - a
mask-rcnn_r50_fpn_ms-poly-3x_coco 2 640-800<1333
mask-rcnn_r50_fpn_poly-1x_coco 2 800<1333
mask-rcnn_x101-32x4d_fpn_1x_coco 2 800<1333
mask-rcnn_x101-32x4d_fpn_2x_coco 2 800<1333
mask-rcnn_x101-32x4d_fpn_ms-poly-3x_coco 2 640-800<1333
mask-rcnn_x101-32x8d_fpn_1x_coco 2 800<1333
mask-rcnn_x101-32x8d_fpn_ms-poly-1x_coco 2 640-800<1333
mask-rcnn_x101-32x8d_fpn_ms-poly-3x_coco 2 640-800<1333
mask-rcnn_x101-64x4d_fpn_1x_coco 2 800<1333
mask-rcnn_x101-64x4d_fpn_2x_coco 2 800<1333
mask-rcnn_x101-64x4d_fpn_ms-poly_3x_coco 2 640-800<1333
maskformer_r50_ms-16xb1-75e_coco 1 480-800<1333 W
maskformer_swin-l-p4-w12_64xb1-ms-300e_coco 1 480-800<1333 W
d2_faster-rcnn_r50-caffe_fpn_ms-90k_coco 2 640-800<1333
d2_mask-rcnn_r50-caffe_fpn_ms-90k_coco 2 640-800<1333
d2_retinanet_r50-caffe_fpn_ms-90k_coco 2 640-800<1333
grounding_dino_swin-t_finetune_8xb4_50e_brain_tumor 4 480-800<1333 W c
grounding_dino_swin-t_finetune_8xb4_50e_cityscapes 4 480-800<1333 W c
grounding_dino_swin-t_finetune_16xb4_1x_coco 4 480-800<1333 W c
grounding_dino_swin-t_finetune_16xb4_1x_coco_48_17 4 480-800<1333 W c
grounding_dino_swin-t_finetune_16xb4_1x_sft_coco 4 480-800<1333 W c
grounding_dino_swin-t-pretrain_flickr30k 4 480-800<1333 W c
grounding_dino_swin-l_pretrain_all 4 480-800<1333 W c
grounding_dino_swin-t_finetune_8xb4_20e_cat 4 480-800<1333 W c
grounding_dino_swin-t_pretrain_obj365 4 480-800<1333 W c
grounding_dino_swin-t_pretrain_obj365_goldg 4 480-800<1333 W c
grounding_dino_swin-t_pretrain_obj365_goldg_grit9m 4 480-800<1333 W c
grounding_dino_swin-t_pretrain_obj365_goldg_grit9m_v3det 4 480-800<1333 W c
grounding_dino_swin-t_pretrain_obj365_goldg_v3det 4 480-800<1333 W c
grounding_dino_swin-t_pretrain_pseudo-labeling_cat 4 480-800<1333 W c
grounding_dino_swin-t_pretrain_pseudo-labeling_flickr30k 4 480-800<1333 W c
grounding_dino_swin-t_finetune_16xb4_1x_lvis 4 480-800<1333 W c
grounding_dino_swin-t_finetune_16xb4_1x_lvis_866_337 4 480-800<1333 W c
grounding_dino_swin-t_finetune_8xb4_50e_people_in_painting 4 480-800<1333 W c
grounding_dino_swin-t_finetune_8xb4_5e_grefcoco 4 480-800<1333 W c
grounding_dino_swin-t_finetune_8xb4_5e_refcoco 4 480-800<1333 W c
grounding_dino_swin-t_finetune_8xb4_5e_refcoco_plus 4 480-800<1333 W c
grounding_dino_swin-t_finetune_8xb4_5e_refcocog 4 480-800<1333 W c
grounding_dino_swin-t_finetune_8xb4_1x_rtts 4 480-800<1333 W c
grounding_dino_swin-t_finetune_8xb4_1x_ruod 4 480-800<1333 W c
ms-rcnn_r101-caffe_fpn_1x_coco 2 800<1333
ms-rcnn_r101-caffe_fpn_2x_coco 2 800<1333
ms-rcnn_r50-caffe_fpn_1x_coco 2 800<1333
ms-rcnn_r50-caffe_fpn_2x_coco 2 800<1333
ms-rcnn_r50_fpn_1x_coco 2 800<1333
ms-rcnn_x101-32x4d_fpn_1x_coco 2 800<1333
ms-rcnn_x101-64x4d_fpn_1x_coco 2 800<1333
ms-rcnn_x101-64x4d_fpn_2x_coco 2 800<1333
nas-fcos_r50-caffe_fpn_fcoshead-gn-head_4xb4-1x_coco 4 800<1333
nas-fcos_r50-caffe_fpn_nashead-gn-head_4xb4-1x_coco 4 800<1333
retinanet_r50_fpn_crop640-50e_coco 8 640x640
retinanet_r50_nasfpn_crop640-50e_coco 8 640x640
faster-rcnn_r50-syncbn_fpn_1350k_objects365v1 2 800<1333
faster-rcnn_r50_fpn_16xb4-1x_objects365v1 4 800<1333
faster-rcnn_r50_fpn_16xb4-1x_objects365v2 4 800<1333
retinanet_r50-syncbn_fpn_1350k_objects365v1 2 800<1333
retinanet_r50_fpn_1x_objects365v1 2 800<1333
retinanet_r50_fpn_1x_objects365v2 2 800<1333
faster-rcnn_r50_fpn_32xb2-1x_openimages-challenge 2 800<1024
faster-rcnn_r50_fpn_32xb2-1x_openimages 2 800<1024
faster-rcnn_r50_fpn_32xb2-cas-1x_openimages-challenge 2 800<1024
faster-rcnn_r50_fpn_32xb2-cas-1x_openimages 2 800<1024
retinanet_r50_fpn_32xb2-1x_openimages 2 800<1024
ssd300_32xb8-36e_openimages 8 300x300
paa_r101_fpn_1x_coco 2 800<1333
paa_r101_fpn_2x_coco 2 800<1333
paa_r101_fpn_ms-3x_coco 2 640-800<1333
paa_r50_fpn_1.5x_coco 2 800<1333
paa_r50_fpn_1x_coco 2 800<1333
paa_r50_fpn_2x_coco 2 800<1333
paa_r50_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_r50_pafpn_1x_coco 2 800<1333
panoptic-fpn_r101_fpn_1x_coco 2 800<1333
panoptic-fpn_r101_fpn_ms-3x_coco 2 640-800<1333
panoptic-fpn_r50_fpn_1x_coco 2 800<1333
panoptic-fpn_r50_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_r50-caffe-c4_ms-18k_voc0712 2 480-800<1333
faster-rcnn_r50_fpn_1x_voc0712-cocofmt 2 600<1000
faster-rcnn_r50_fpn_1x_voc0712 2 600<1000
retinanet_r50_fpn_1x_voc0712 2 600<1000
ssd300_voc0712 8 300x300
ssd512_voc0712 8 512x512
faster-rcnn_r50_fpn_pisa_1x_coco 2 800<1333
faster-rcnn_x101-32x4d_fpn_pisa_1x_coco 2 800<1333
mask-rcnn_r50_fpn_pisa_1x_coco 2 800<1333
mask-rcnn_x101-32x4d_fpn_pisa_1x_coco 2 800<1333
retinanet-r50_fpn_pisa_1x_coco 2 800<1333
retinanet_x101-32x4d_fpn_pisa_1x_coco 2 800<1333
ssd300_pisa_coco 8 300x300
ssd512_pisa_coco 8 512x512
point-rend_r50-caffe_fpn_ms-1x_coco 2 640-800<1333
point-rend_r50-caffe_fpn_ms-3x_coco 2 640-800<1333
retinanet_pvt-l_fpn_1x_coco 2 800<1333 W a
retinanet_pvt-m_fpn_1x_coco 2 800<1333 W
retinanet_pvt-s_fpn_1x_coco 2 800<1333 W
retinanet_pvt-t_fpn_1x_coco 2 800<1333 W
retinanet_pvtv2-b0_fpn_1x_coco 2 800<1333 W
retinanet_pvtv2-b1_fpn_1x_coco 2 800<1333 W
retinanet_pvtv2-b2_fpn_1x_coco 2 800<1333 W
retinanet_pvtv2-b3_fpn_1x_coco 2 800<1333 W
retinanet_pvtv2-b4_fpn_1x_coco 1 800<1333 W
retinanet_pvtv2-b5_fpn_1x_coco 1 800<1333 W
queryinst_r101_fpn_300-proposals_crop-ms-480-800-3x_coco 2 480-800<1333+ W
queryinst_r101_fpn_ms-480-800-3x_coco 2 480-800<1333 W
queryinst_r50_fpn_1x_coco 2 800<1333 W
queryinst_r50_fpn_300-proposals_crop-ms-480-800-3x_coco 2 480-800<1333+ W
queryinst_r50_fpn_ms-480-800-3x_coco 2 480-800<1333 W
cascade-mask-rcnn_regnetx-1.6GF_fpn_ms-3x_coco 2 640-800<1333
cascade-mask-rcnn_regnetx-3.2GF_fpn_ms-3x_coco 2 640-800<1333
cascade-mask-rcnn_regnetx-400MF_fpn_ms-3x_coco 2 640-800<1333
cascade-mask-rcnn_regnetx-4GF_fpn_ms-3x_coco 2 640-800<1333
cascade-mask-rcnn_regnetx-800MF_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_regnetx-1.6GF_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_regnetx-3.2GF_fpn_1x_coco 2 800<1333
faster-rcnn_regnetx-3.2GF_fpn_2x_coco 2 800<1333
faster-rcnn_regnetx-3.2GF_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_regnetx-400MF_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_regnetx-4GF_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_regnetx-800MF_fpn_ms-3x_coco 2 640-800<1333
mask-rcnn_regnetx-1.6GF_fpn_ms-poly-3x_coco 2 640-800<1333
mask-rcnn_regnetx-12GF_fpn_1x_coco 2 800<1333
mask-rcnn_regnetx-3.2GF-mdconv-c3-c5_fpn_1x_coco 2 800<1333
mask-rcnn_regnetx-3.2GF_fpn_1x_coco 2 800<1333
mask-rcnn_regnetx-3.2GF_fpn_ms-3x_coco 2 640-800<1333
mask-rcnn_regnetx-400MF_fpn_ms-poly-3x_coco 2 640-800<1333
mask-rcnn_regnetx-4GF_fpn_1x_coco 2 800<1333
mask-rcnn_regnetx-4GF_fpn_ms-poly-3x_coco 2 640-800<1333
mask-rcnn_regnetx-6.4GF_fpn_1x_coco 2 800<1333
mask-rcnn_regnetx-800MF_fpn_ms-poly-3x_coco 2 640-800<1333
mask-rcnn_regnetx-8GF_fpn_1x_coco 2 800<1333
retinanet_regnetx-1.6GF_fpn_1x_coco 2 800<1333
retinanet_regnetx-3.2GF_fpn_1x_coco 2 800<1333
retinanet_regnetx-800MF_fpn_1x_coco 2 800<1333
reid_r50_8xb32-6e_mot15train80_test-mot15val20 1 128<256
reid_r50_8xb32-6e_mot16train80_test-mot16val20 1 128<256
reid_r50_8xb32-6e_mot17train80_test-mot17val20 1 128<256
reid_r50_8xb32-6e_mot20train80_test-mot20val20 1 128<256
reppoints-bbox_r50-center_fpn-gn_head-gn-grid_1x_coco 2 800<1333
reppoints-bbox_r50_fpn-gn_head-gn-grid_1x_coco 2 800<1333
reppoints-minmax_r50_fpn-gn_head-gn_1x_coco 2 800<1333
reppoints-moment_r101-dconv-c3-c5_fpn-gn_head-gn_2x_coco 2 800<1333
reppoints-moment_r101_fpn-gn_head-gn_2x_coco 2 800<1333
reppoints-moment_r50_fpn-gn_head-gn_1x_coco 2 800<1333
reppoints-moment_r50_fpn-gn_head-gn_2x_coco 2 800<1333
reppoints-moment_r50_fpn_1x_coco 2 800<1333
reppoints-moment_x101-dconv-c3-c5_fpn-gn_head-gn_2x_coco 2 800<1333
reppoints-partial-minmax_r50_fpn-gn_head-gn_1x_coco 2 800<1333
cascade-mask-rcnn_res2net-101_fpn_20e_coco 2 800<1333
cascade-rcnn_res2net-101_fpn_20e_coco 2 800<1333
faster-rcnn_res2net-101_fpn_2x_coco 2 800<1333
htc_res2net-101_fpn_20e_coco 2 800<1333
mask-rcnn_res2net-101_fpn_2x_coco 2 800<1333
cascade-mask-rcnn_s101_fpn_syncbn-backbone+head_ms-1x_coco 2 640-800<1333
cascade-mask-rcnn_s50_fpn_syncbn-backbone+head_ms-1x_coco 2 640-800<1333
cascade-rcnn_s101_fpn_syncbn-backbone+head_ms-range-1x_coco 2 640-800<1333
cascade-rcnn_s50_fpn_syncbn-backbone+head_ms-range-1x_coco 2 640-800<1333
faster-rcnn_s101_fpn_syncbn-backbone+head_ms-range-1x_coco 2 640-800<1333
faster-rcnn_s50_fpn_syncbn-backbone+head_ms-range-1x_coco 2 640-800<1333
mask-rcnn_s101_fpn_syncbn-backbone+head_ms-1x_coco 2 640-800<1333
mask-rcnn_s50_fpn_syncbn-backbone+head_ms-1x_coco 2 640-800<1333
cascade-mask-rcnn_r50-rsb-pre_fpn_1x_coco 2 800<1333 W
faster-rcnn_r50-rsb-pre_fpn_1x_coco 2 800<1333 W
mask-rcnn_r50-rsb-pre_fpn_1x_coco 2 800<1333 W
retinanet_r50-rsb-pre_fpn_1x_coco 2 800<1333 W
retinanet_r101-caffe_fpn_1x_coco 2 800<1333
retinanet_r101-caffe_fpn_ms-3x_coco 2 640-800<1333
retinanet_r101_fpn_1x_coco 2 800<1333
retinanet_r101_fpn_2x_coco 2 800<1333
retinanet_r101_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
retinanet_r101_fpn_ms-640-800-3x_coco 2 640-800<1333
retinanet_r18_fpn_1x_coco 2 800<1333
retinanet_r18_fpn_1xb8-1x_coco 8 800<1333
retinanet_r18_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
retinanet_r50-caffe_fpn_1x_coco 2 800<1333
retinanet_r50-caffe_fpn_ms-1x_coco 2 640-800<1333
retinanet_r50-caffe_fpn_ms-2x_coco 2 640-800<1333
retinanet_r50-caffe_fpn_ms-3x_coco 2 640-800<1333
retinanet_r50_fpn_1x_coco 2 800<1333
retinanet_r50_fpn_2x_coco 2 800<1333
retinanet_r50_fpn_8xb8-amp-lsj-200e_coco 8 1024x1024 - a
retinanet_r50_fpn_90k_coco 2 800<1333
retinanet_r50_fpn_amp-1x_coco 2 800<1333
retinanet_r50_fpn_ms-640-800-3x_coco 2 640-800<1333
retinanet_x101-32x4d_fpn_1x_coco 2 800<1333
retinanet_x101-32x4d_fpn_2x_coco 2 800<1333
retinanet_x101-64x4d_fpn_1x_coco 2 800<1333
retinanet_x101-64x4d_fpn_2x_coco 2 800<1333
retinanet_x101-64x4d_fpn_ms-640-800-3x_coco 2 640-800<1333
rpn_r101-caffe_fpn_1x_coco 2 800<1333
rpn_r101_fpn_1x_coco 2 800<1333
rpn_r101_fpn_2x_coco 2 800<1333
rpn_r50-caffe-c4_1x_coco 2 800<1333
rpn_r50-caffe_fpn_1x_coco 2 800<1333
rpn_r50_fpn_1x_coco 2 800<1333
rpn_r50_fpn_2x_coco 2 800<1333
rpn_x101-32x4d_fpn_1x_coco 2 800<1333
rpn_x101-32x4d_fpn_2x_coco 2 800<1333
rpn_x101-64x4d_fpn_1x_coco 2 800<1333
rpn_x101-64x4d_fpn_2x_coco 2 800<1333
rtmdet-ins_l_8xb32-300e_coco 32 640x640 W e
rtmdet-ins_m_8xb32-300e_coco 32 640x640 W e
rtmdet-ins_s_8xb32-300e_coco 32 640x640 W e
rtmdet-ins_tiny_8xb32-300e_coco 32 640x640 W e
rtmdet-ins_x_8xb16-300e_coco 32 640x640 W e
rtmdet_l_8xb32-300e_coco 32 640x640 W e
rtmdet_l_convnext_b_4xb32-100e_coco 32 640x640 W ec
rtmdet_l_swin_b_4xb32-100e_coco 32 640x640 W ec
rtmdet_l_swin_b_p6_4xb16-100e_coco 16 1280x1280 W ec
rtmdet_m_8xb32-300e_coco 32 640x640 W e
rtmdet_s_8xb32-300e_coco 32 640x640 W e
rtmdet_tiny_8xb32-300e_coco 32 640x640 W e
rtmdet_x_8xb32-300e_coco 32 640x640 W e
rtmdet_x_p6_4xb8-300e_coco 8 1280x1280 W e
sabl-cascade-rcnn_r101_fpn_1x_coco 2 800<1333
sabl-cascade-rcnn_r50_fpn_1x_coco 2 800<1333
sabl-faster-rcnn_r101_fpn_1x_coco 2 800<1333
sabl-faster-rcnn_r50_fpn_1x_coco 2 800<1333
sabl-retinanet_r101-gn_fpn_1x_coco 2 800<1333
sabl-retinanet_r101-gn_fpn_ms-480-960-2x_coco 2 480-960<1333
sabl-retinanet_r101-gn_fpn_ms-640-800-2x_coco 2 480-800<1333
sabl-retinanet_r101_fpn_1x_coco 2 800<1333
sabl-retinanet_r50-gn_fpn_1x_coco 2 800<1333
sabl-retinanet_r50_fpn_1x_coco 2 800<1333
scnet_r101_fpn_20e_coco 2 800<1333
scnet_r50_fpn_1x_coco 2 800<1333
scnet_r50_fpn_20e_coco 2 800<1333
scnet_x101-64x4d_fpn_20e_coco 2 800<1333
scnet_x101-64x4d_fpn_8xb1-20e_coco 1 800<1333
faster-rcnn_r50-scratch_fpn_gn-all_6x_coco 2 800<1333
mask-rcnn_r50-scratch_fpn_gn-all_6x_coco 2 800<1333
cascade-mask-rcnn_r101_fpn_seesaw-loss-normed-mask_random-ms-2x_lvis-v1 2 640-800<1333
cascade-mask-rcnn_r101_fpn_seesaw-loss-normed-mask_sample1e-3-ms-2x_lvis-v1 2 640-800<1333
cascade-mask-rcnn_r101_fpn_seesaw-loss_random-ms-2x_lvis-v1 2 640-800<1333
cascade-mask-rcnn_r101_fpn_seesaw-loss_sample1e-3-ms-2x_lvis-v1 2 640-800<1333
mask-rcnn_r101_fpn_seesaw-loss-normed-mask_random-ms-2x_lvis-v1 2 640-800<1333
mask-rcnn_r101_fpn_seesaw-loss-normed-mask_sample1e-3-ms-2x_lvis-v1 2 640-800<1333
mask-rcnn_r101_fpn_seesaw-loss_random-ms-2x_lvis-v1 2 640-800<1333
mask-rcnn_r101_fpn_seesaw-loss_sample1e-3-ms-2x_lvis-v1 2 640-800<1333
mask-rcnn_r50_fpn_seesaw-loss-normed-mask_random-ms-2x_lvis-v1 2 640-800<1333
mask-rcnn_r50_fpn_seesaw-loss-normed-mask_sample1e-3-ms-2x_lvis-v1 2 640-800<1333
mask-rcnn_r50_fpn_seesaw-loss_random-ms-2x_lvis-v1 2 640-800<1333
mask-rcnn_r50_fpn_seesaw-loss_sample1e-3-ms-2x_lvis-v1 2 640-800<1333
mask-rcnn_r50-mocov2-pre_fpn_1x_coco 2 800<1333
mask-rcnn_r50-mocov2-pre_fpn_ms-2x_coco 2 640-800<1333
mask-rcnn_r50-swav-pre_fpn_1x_coco 2 800<1333
mask-rcnn_r50-swav-pre_fpn_ms-2x_coco 2 640-800<1333
mask-rcnn_r50_fpn_rpn-2conv_4conv1fc_syncbn-all_32xb2-ssj-270k_coco 2 1024x1024
mask-rcnn_r50_fpn_rpn-2conv_4conv1fc_syncbn-all_32xb2-ssj-90k_coco 2 1024x1024
mask-rcnn_r50_fpn_rpn-2conv_4conv1fc_syncbn-all_32xb2-ssj-scp-270k_coco 2 1024x1024
mask-rcnn_r50_fpn_rpn-2conv_4conv1fc_syncbn-all_32xb2-ssj-scp-90k_coco 2 1024x1024
soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.01-coco 5 400-1200<1333
soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.02-coco 5 400-1200<1333
soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.05-coco 5 400-1200<1333
soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.1-coco 5 400-1200<1333
decoupled-solo-light_r50_fpn_3x_coco 2 352-512<852
decoupled-solo_r50_fpn_1x_coco 2 800<1333
decoupled-solo_r50_fpn_3x_coco 2 640-800<1333
solo_r101_fpn_8xb8-lsj-200e_coco 8 1024x1024 - a
solo_r18_fpn_8xb8-lsj-200e_coco 8 1024x1024 - a
solo_r50_fpn_1x_coco 2 800<1333
solo_r50_fpn_3x_coco 2 640-800<1333
solo_r50_fpn_8xb8-lsj-200e_coco 8 1024x1024 - a
solov2-light_r18_fpn_ms-3x_coco 2 352-512<768
solov2-light_r34_fpn_ms-3x_coco 2 352-512<768
solov2-light_r50-dcn_fpn_ms-3x_coco 2 352-512<768
solov2-light_r50_fpn_ms-3x_coco 2 352-512<768
solov2_r101-dcn_fpn_ms-3x_coco 2 640-800<1333
solov2_r101_fpn_ms-3x_coco 2 640-800<1333
solov2_r50_fpn_1x_coco 2 800<1333
solov2_r50_fpn_ms-3x_coco 2 640-800<1333
solov2_x101-dcn_fpn_ms-3x_coco 2 640-800<1333
faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval 2 1088x1088
sparse-rcnn_r101_fpn_300-proposals_crop-ms-480-800-3x_coco 2 480-800<1333+ W
sparse-rcnn_r101_fpn_ms-480-800-3x_coco 2 480-800<1333 W
sparse-rcnn_r50_fpn_1x_coco 2 800<1333 W
sparse-rcnn_r50_fpn_300-proposals_crop-ms-480-800-3x_coco 2 480-800<1333+ W
sparse-rcnn_r50_fpn_ms-480-800-3x_coco 2 480-800<1333 W
ssd300_coco 8 300x300
ssd512_coco 8 512x512
ssdlite_mobilenetv2-scratch_8xb24-600e_coco 24 320<320
mask-rcnn_r50-caffe_fpn_rpn-2conv_4conv1fc_syncbn-all_amp-lsj-100e_coco 2 1024x1024 - a
mask-rcnn_r50-caffe_fpn_rpn-2conv_4conv1fc_syncbn-all_lsj-100e_coco 2 1024x1024
mask-rcnn_r50-caffe_fpn_rpn-2conv_4conv1fc_syncbn-all_lsj-400e_coco 2 1024x1024
mask-rcnn_r50_fpn_rpn-2conv_4conv1fc_syncbn-all_amp-lsj-100e_coco 2 1024x1024 - a
mask-rcnn_r50_fpn_rpn-2conv_4conv1fc_syncbn-all_lsj-100e_coco 2 1024x1024
mask-rcnn_r50_fpn_rpn-2conv_4conv1fc_syncbn-all_lsj-50e_coco 2 1024x1024
mask-rcnn_swin-s-p4-w7_fpn_amp-ms-crop-3x_coco 2 480-800<1333+ W a
mask-rcnn_swin-t-p4-w7_fpn_1x_coco 2 800<1333 W
mask-rcnn_swin-t-p4-w7_fpn_amp-ms-crop-3x_coco 2 480-800<1333+ W a
mask-rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco 2 480-800<1333+ W
retinanet_swin-t-p4-w7_fpn_1x_coco 2 800<1333
retinanet_timm-efficientnet-b1_fpn_1x_coco 2 800<1333
retinanet_timm-tv-resnet50_fpn_1x_coco 2 800<1333
tood_r101-dconv-c3-c5_fpn_ms-2x_coco 2 480-800<1333
tood_r101_fpn_ms-2x_coco 2 480-800<1333
tood_r50_fpn_1x_coco 2 800<1333
tood_r50_fpn_anchor-based_1x_coco 2 800<1333
tood_r50_fpn_ms-2x_coco 2 480-800<1333
tood_x101-64x4d-dconv-c4-c5_fpn_ms-2x_coco 2 480-800<1333
tood_x101-64x4d_fpn_ms-2x_coco 2 480-800<1333
tridentnet_r50-caffe_1x_coco 2 800<1333
tridentnet_r50-caffe_ms-1x_coco 2 640-800<1333
tridentnet_r50-caffe_ms-3x_coco 2 640-800<1333
cascade_rcnn_r50_fpn_8x4_sample1e-3_mstrain_v3det_2x 4 640-800<1333 W
cascade_rcnn_swinb_fpn_8x4_sample1e-3_mstrain_v3det_2x 4 640-800<1333 W
deformable-detr-refine-twostage_r50_8xb4_sample1e-3_v3det_50e 4 480-800<1333+ W
deformable-detr-refine-twostage_swin_16xb2_sample1e-3_v3det_50e 2 480-800<1333+ W
dino-4scale_r50_8xb2_sample1e-3_v3det_36e 2 480-800<1333+ W
dino-4scale_swin_16xb1_sample1e-3_v3det_36e 1 480-800<1333 W
faster_rcnn_r50_fpn_8x4_sample1e-3_mstrain_v3det_2x 4 640-800<1333 W
faster_rcnn_swinb_fpn_8x4_sample1e-3_mstrain_v3det_2x 4 640-800<1333 W
fcos_r50_fpn_8x4_sample1e-3_mstrain_v3det_2x 2 640-800<1333 W
fcos_swinb_fpn_8x4_sample1e-3_mstrain_v3det_2x 2 640-800<1333 W
vfnet_r101-mdconv-c3-c5_fpn_ms-2x_coco 2 480-960<1333
vfnet_r101_fpn_1x_coco 2 800<1333
vfnet_r101_fpn_2x_coco 2 800<1333
vfnet_r101_fpn_ms-2x_coco 2 480-960<1333
vfnet_r50-mdconv-c3-c5_fpn_ms-2x_coco 2 480-960<1333
vfnet_r50_fpn_1x_coco 2 800<1333
vfnet_r50_fpn_ms-2x_coco 2 480-960<1333
vfnet_res2net-101_fpn_ms-2x_coco 2 480-960<1333
vfnet_res2net101-mdconv-c3-c5_fpn_ms-2x_coco 2 480-960<1333
vfnet_x101-32x4d-mdconv-c3-c5_fpn_ms-2x_coco 2 480-960<1333
vfnet_x101-32x4d_fpn_ms-2x_coco 2 480-960<1333
vfnet_x101-64x4d-mdconv-c3-c5_fpn_ms-2x_coco 2 480-960<1333
vfnet_x101-64x4d_fpn_ms-2x_coco 2 480-960<1333
retinanet_r50_fpn_1x_widerface 2 640<640
ssd300_8xb32-24e_widerface 32 300x300
yolact_r101_1xb8-55e_coco 8 550<550
yolact_r50_1xb8-55e_coco 8 550<550
yolact_r50_8xb8-55e_coco 8 550<550
yolov3_d53_8xb8-320-273e_coco 8 320<320
yolov3_d53_8xb8-amp-ms-608-273e_coco 8 320-608<608 - a
yolov3_d53_8xb8-ms-416-273e_coco 8 320-416<416
yolov3_d53_8xb8-ms-608-273e_coco 8 320-608<608
yolov3_mobilenetv2_8xb24-320-300e_coco 24 320<320
yolov3_mobilenetv2_8xb24-ms-416-300e_coco 24 320-416<416
yolof_r50-c5_8xb8-1x_coco 8 800<1333
yolof_r50-c5_8xb8-iter-1x_coco 8 800<1333
yolox_l_8xb8-300e_coco 8 640x640 - e
yolox_m_8xb8-300e_coco 8 640x640 - e
yolox_nano_8xb8-300e_coco 8 640x640 - e
yolox_s_8xb8-300e_coco 8 640x640 - e
yolox_tiny_8xb8-300e_coco 8 640x640 - e
yolox_x_8xb8-300e_coco 8 640x640 - e
`,
  mmseg: `
ann_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
ann_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
ann_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
ann_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
ann_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
ann_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
ann_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
ann_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
ann_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
ann_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
ann_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
ann_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
ann_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
ann_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
ann_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
ann_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
apcnet_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
apcnet_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
apcnet_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
apcnet_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
apcnet_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
apcnet_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
apcnet_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
apcnet_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
apcnet_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
apcnet_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
apcnet_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
apcnet_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
beit-base_upernet_8xb2-160k_ade20k-640x640 2 640x640 W
beit-base_upernet_8xb2-160k_ade20k-640x640_ms 2 640x640 W
beit-large_upernet_8xb1-amp-160k_ade20k-640x640 1 640x640 W a2
beit-large_upernet_8xb1-amp-160k_ade20k-640x640_ms 1 640x640 W a2
bisenetv1_r101-d32-in1k-pre_4xb4-160k_coco-stuff164k-512x512 4 512x512
bisenetv1_r101-d32_4xb4-160k_coco-stuff164k-512x512 4 512x512
bisenetv1_r18-d32-in1k-pre_4xb4-160k_cityscapes-1024x1024 4 1024x1024
bisenetv1_r18-d32-in1k-pre_4xb4-160k_coco-stuff164k-512x512 4 512x512
bisenetv1_r18-d32-in1k-pre_4xb8-160k_cityscapes-1024x1024 8 1024x1024
bisenetv1_r18-d32_4xb4-160k_cityscapes-1024x1024 4 1024x1024
bisenetv1_r18-d32_4xb4-160k_coco-stuff164k-512x512 4 512x512
bisenetv1_r50-d32-in1k-pre_4xb4-160k_cityscapes-1024x1024 4 1024x1024
bisenetv1_r50-d32-in1k-pre_4xb4-160k_coco-stuff164k-512x512 4 512x512
bisenetv1_r50-d32_4xb4-160k_cityscapes-1024x1024 4 1024x1024
bisenetv1_r50-d32_4xb4-160k_coco-stuff164k-512x512 4 512x512
bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024 4 1024x1024
bisenetv2_fcn_4xb4-amp-160k_cityscapes-1024x1024 4 1024x1024 - a
bisenetv2_fcn_4xb4-ohem-160k_cityscapes-1024x1024 4 1024x1024
bisenetv2_fcn_4xb8-160k_cityscapes-1024x1024 8 1024x1024
ccnet_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
ccnet_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
ccnet_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
ccnet_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
ccnet_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
ccnet_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
ccnet_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
ccnet_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
ccnet_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
ccnet_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
ccnet_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
ccnet_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
ccnet_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
ccnet_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
ccnet_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
ccnet_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
cgnet_fcn_4xb4-60k_cityscapes-680x680 8 680x680 A
cgnet_fcn_4xb8-60k_cityscapes-512x1024 8 512x1024 A
convnext-base_upernet_8xb2-amp-160k_ade20k-512x512 2 512x512 W a
convnext-base_upernet_8xb2-amp-160k_ade20k-640x640 2 640x640 W a
convnext-large_upernet_8xb2-amp-160k_ade20k-640x640 2 640x640 W a
convnext-small_upernet_8xb2-amp-160k_ade20k-512x512 2 512x512 W a
convnext-tiny_upernet_8xb2-amp-160k_ade20k-512x512 2 512x512 W a
convnext-xlarge_upernet_8xb2-amp-160k_ade20k-640x640 2 640x640 W a
danet_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
danet_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
danet_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
danet_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
danet_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
danet_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
danet_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
danet_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
danet_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
danet_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
danet_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
danet_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
danet_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
danet_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
danet_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
danet_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
ddrnet_23-slim_in1k-pre_2xb6-120k_cityscapes-1024x1024 6 1024x1024
ddrnet_23_in1k-pre_2xb6-120k_cityscapes-1024x1024 6 1024x1024
deeplabv3_r101-d16-mg124_4xb2-40k_cityscapes-512x1024 2 512x1024
deeplabv3_r101-d16-mg124_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
deeplabv3_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
deeplabv3_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3_r101-d8_4xb2-amp-80k_cityscapes-512x1024 2 512x1024 - a
deeplabv3_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
deeplabv3_r101-d8_4xb4-160k_coco-stuff164k-512x512 4 512x512
deeplabv3_r101-d8_4xb4-20k_coco-stuff10k-512x512 4 512x512
deeplabv3_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
deeplabv3_r101-d8_4xb4-320k_coco-stuff164k-512x512 4 512x512
deeplabv3_r101-d8_4xb4-40k_coco-stuff10k-512x512 4 512x512
deeplabv3_r101-d8_4xb4-40k_pascal-context-480x480 4 480x480
deeplabv3_r101-d8_4xb4-40k_pascal-context-59-480x480 4 480x480
deeplabv3_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
deeplabv3_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
deeplabv3_r101-d8_4xb4-80k_coco-stuff164k-512x512 4 512x512
deeplabv3_r101-d8_4xb4-80k_pascal-context-480x480 4 480x480
deeplabv3_r101-d8_4xb4-80k_pascal-context-59-480x480 4 480x480
deeplabv3_r101b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3_r101b-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3_r18-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3_r18-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3_r18b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3_r18b-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
deeplabv3_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
deeplabv3_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
deeplabv3_r50-d8_4xb4-160k_coco-stuff164k-512x512 4 512x512
deeplabv3_r50-d8_4xb4-20k_coco-stuff10k-512x512 4 512x512
deeplabv3_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
deeplabv3_r50-d8_4xb4-320k_coco-stuff164k-512x512 4 512x512
deeplabv3_r50-d8_4xb4-40k_coco-stuff10k-512x512 4 512x512
deeplabv3_r50-d8_4xb4-40k_pascal-context-480x480 4 480x480
deeplabv3_r50-d8_4xb4-40k_pascal-context-59-480x480 4 480x480
deeplabv3_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
deeplabv3_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
deeplabv3_r50-d8_4xb4-80k_coco-stuff164k-512x512 4 512x512
deeplabv3_r50-d8_4xb4-80k_pascal-context-480x480 4 480x480
deeplabv3_r50-d8_4xb4-80k_pascal-context-59-480x480 4 480x480
deeplabv3_r50b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3_r50b-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3plus_r101-d16-mg124_4xb2-40k_cityscapes-512x1024 2 512x1024
deeplabv3plus_r101-d16-mg124_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3plus_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
deeplabv3plus_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
deeplabv3plus_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3plus_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3plus_r101-d8_4xb2-amp-80k_cityscapes-512x1024 2 512x1024 - a
deeplabv3plus_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
deeplabv3plus_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
deeplabv3plus_r101-d8_4xb4-40k_pascal-context-480x480 4 480x480
deeplabv3plus_r101-d8_4xb4-40k_pascal-context-59-480x480 4 480x480
deeplabv3plus_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
deeplabv3plus_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
deeplabv3plus_r101-d8_4xb4-80k_loveda-512x512 4 512x512
deeplabv3plus_r101-d8_4xb4-80k_pascal-context-480x480 4 480x480
deeplabv3plus_r101-d8_4xb4-80k_pascal-context-59-480x480 4 480x480
deeplabv3plus_r101-d8_4xb4-80k_potsdam-512x512 4 512x512
deeplabv3plus_r101-d8_4xb4-80k_vaihingen-512x512 4 512x512
deeplabv3plus_r101b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3plus_r101b-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3plus_r18-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3plus_r18-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3plus_r18-d8_4xb4-80k_isaid-896x896 4 896x896
deeplabv3plus_r18-d8_4xb4-80k_loveda-512x512 4 512x512
deeplabv3plus_r18-d8_4xb4-80k_potsdam-512x512 4 512x512
deeplabv3plus_r18-d8_4xb4-80k_vaihingen-512x512 4 512x512
deeplabv3plus_r18b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3plus_r18b-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3plus_r50-d8_4xb2-300k_mapillay_v1_65-1280x1280 2 1280x1280 W
deeplabv3plus_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
deeplabv3plus_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
deeplabv3plus_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3plus_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
deeplabv3plus_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
deeplabv3plus_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
deeplabv3plus_r50-d8_4xb4-40k_pascal-context-480x480 4 480x480
deeplabv3plus_r50-d8_4xb4-40k_pascal-context-59-480x480 4 480x480
deeplabv3plus_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
deeplabv3plus_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
deeplabv3plus_r50-d8_4xb4-80k_isaid-896x896 4 896x896
deeplabv3plus_r50-d8_4xb4-80k_loveda-512x512 4 512x512
deeplabv3plus_r50-d8_4xb4-80k_pascal-context-480x480 4 480x480
deeplabv3plus_r50-d8_4xb4-80k_pascal-context-59-480x480 4 480x480
deeplabv3plus_r50-d8_4xb4-80k_potsdam-512x512 4 512x512
deeplabv3plus_r50-d8_4xb4-80k_vaihingen-512x512 4 512x512
deeplabv3plus_r50b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
deeplabv3plus_r50b-d8_4xb2-80k_cityscapes-769x769 2 769x769
dmnet_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
dmnet_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
dmnet_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
dmnet_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
dmnet_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
dmnet_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
dmnet_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
dmnet_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
dmnet_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
dmnet_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
dmnet_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
dmnet_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
dnl_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
dnl_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
dnl_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
dnl_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
dnl_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
dnl_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
dnl_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
dnl_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
dnl_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
dnl_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
dnl_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
dnl_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
dpt_vit-b16_8xb2-160k_ade20k-512x512 2 512x512 W
cityscapes 2 512x1024
voc 4 512x512
emanet_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
emanet_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
emanet_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
emanet_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
encnet_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
encnet_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
encnet_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
encnet_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
encnet_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
encnet_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
encnet_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
encnet_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
encnet_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
encnet_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
encnet_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
encnet_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
encnet_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
encnet_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
encnet_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
encnet_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
encnet_r50s-d8_4xb4-80k_ade20k-512x512 4 512x512
erfnet_fcn_4xb4-160k_cityscapes-512x1024 4 512x1024
fastfcn_r50-d32_jpu_aspp_4xb2-80k_cityscapes-512x1024 2 512x1024
fastfcn_r50-d32_jpu_aspp_4xb4-160k_ade20k-512x512 4 512x512
fastfcn_r50-d32_jpu_aspp_4xb4-80k_ade20k-512x512 4 512x512
fastfcn_r50-d32_jpu_aspp_4xb4-80k_cityscapes-512x1024 4 512x1024
fastfcn_r50-d32_jpu_enc_4xb2-80k_cityscapes-512x1024 2 512x1024
fastfcn_r50-d32_jpu_enc_4xb4-160k_ade20k-512x512 4 512x512
fastfcn_r50-d32_jpu_enc_4xb4-80k_ade20k-512x512 4 512x512
fastfcn_r50-d32_jpu_enc_4xb4-80k_cityscapes-512x1024 4 512x1024
fastfcn_r50-d32_jpu_psp_4xb2-80k_cityscapes-512x1024 2 512x1024
fastfcn_r50-d32_jpu_psp_4xb4-160k_ade20k-512x512 4 512x512
fastfcn_r50-d32_jpu_psp_4xb4-80k_ade20k-512x512 4 512x512
fastfcn_r50-d32_jpu_psp_4xb4-80k_cityscapes-512x1024 4 512x1024
fast_scnn_8xb4-160k_cityscapes-512x1024 4 512x1024
fcn-d6_r101-d16_4xb2-40k_cityscapes-512x1024 2 512x1024
fcn-d6_r101-d16_4xb2-40k_cityscapes-769x769 2 769x769
fcn-d6_r101-d16_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn-d6_r101-d16_4xb2-80k_cityscapes-769x769 2 769x769
fcn-d6_r101b-d16_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn-d6_r101b-d16_4xb2-80k_cityscapes-769x769 2 769x769
fcn-d6_r50-d16_4xb2-40k_cityscapes-512x1024 2 512x1024
fcn-d6_r50-d16_4xb2-40k_cityscapes-769x769 2 769x769
fcn-d6_r50-d16_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn-d6_r50-d16_4xb2-80k_cityscapes-769x769 2 769x769
fcn-d6_r50b-d16_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn-d6_r50b-d16_4xb2-80k_cityscapes-769x769 2 769x769
fcn_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
fcn_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
fcn_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
fcn_r101-d8_4xb2-amp-80k_cityscapes-512x1024 2 512x1024 - a
fcn_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
fcn_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
fcn_r101-d8_4xb4-40k_pascal-context-480x480 4 480x480
fcn_r101-d8_4xb4-40k_pascal-context-59-480x480 4 480x480
fcn_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
fcn_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
fcn_r101-d8_4xb4-80k_pascal-context-480x480 4 480x480
fcn_r101-d8_4xb4-80k_pascal-context-59-480x480 4 480x480
fcn_r101b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn_r101b-d8_4xb2-80k_cityscapes-769x769 2 769x769
fcn_r18-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn_r18-d8_4xb2-80k_cityscapes-769x769 2 769x769
fcn_r18b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn_r18b-d8_4xb2-80k_cityscapes-769x769 2 769x769
fcn_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
fcn_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
fcn_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
fcn_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
fcn_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
fcn_r50-d8_4xb4-40k_pascal-context-480x480 4 480x480
fcn_r50-d8_4xb4-40k_pascal-context-59-480x480 4 480x480
fcn_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
fcn_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
fcn_r50-d8_4xb4-80k_pascal-context-480x480 4 480x480
fcn_r50-d8_4xb4-80k_pascal-context-59-480x480 4 480x480
fcn_r50b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn_r50b-d8_4xb2-80k_cityscapes-769x769 2 769x769
gcnet_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
gcnet_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
gcnet_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
gcnet_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
gcnet_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
gcnet_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
gcnet_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
gcnet_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
gcnet_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
gcnet_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
gcnet_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
gcnet_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
gcnet_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
gcnet_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
gcnet_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
gcnet_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
fcn_hr18_4xb2-160k_cityscapes-512x1024 2 512x1024
fcn_hr18_4xb2-40k_cityscapes-512x1024 2 512x1024
fcn_hr18_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn_hr18_4xb4-160k_ade20k-512x512 4 512x512
fcn_hr18_4xb4-20k_voc12aug-512x512 4 512x512
fcn_hr18_4xb4-40k_pascal-context-480x480 4 480x480
fcn_hr18_4xb4-40k_pascal-context-59-480x480 4 480x480
fcn_hr18_4xb4-40k_voc12aug-512x512 4 512x512
fcn_hr18_4xb4-80k_ade20k-512x512 4 512x512
fcn_hr18_4xb4-80k_isaid-896x896 4 896x896
fcn_hr18_4xb4-80k_loveda-512x512 4 512x512
fcn_hr18_4xb4-80k_pascal-context-480x480 4 480x480
fcn_hr18_4xb4-80k_pascal-context-59-480x480 4 480x480
fcn_hr18_4xb4-80k_potsdam-512x512 4 512x512
fcn_hr18_4xb4-80k_vaihingen-512x512 4 512x512
fcn_hr18s_4xb2-160k_cityscapes-512x1024 2 512x1024
fcn_hr18s_4xb2-40k_cityscapes-512x1024 2 512x1024
fcn_hr18s_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn_hr18s_4xb4-160k_ade20k-512x512 4 512x512
fcn_hr18s_4xb4-20k_voc12aug-512x512 4 512x512
fcn_hr18s_4xb4-40k_pascal-context-480x480 4 480x480
fcn_hr18s_4xb4-40k_pascal-context-59-480x480 4 480x480
fcn_hr18s_4xb4-40k_voc12aug-512x512 4 512x512
fcn_hr18s_4xb4-80k_ade20k-512x512 4 512x512
fcn_hr18s_4xb4-80k_isaid-896x896 4 896x896
fcn_hr18s_4xb4-80k_loveda-512x512 4 512x512
fcn_hr18s_4xb4-80k_pascal-context-480x480 4 480x480
fcn_hr18s_4xb4-80k_pascal-context-59-480x480 4 480x480
fcn_hr18s_4xb4-80k_potsdam-512x512 4 512x512
fcn_hr18s_4xb4-80k_vaihingen-512x512 4 512x512
fcn_hr48_4xb2-160k_cityscapes-512x1024 2 512x1024
fcn_hr48_4xb2-40k_cityscapes-512x1024 2 512x1024
fcn_hr48_4xb2-80k_cityscapes-512x1024 2 512x1024
fcn_hr48_4xb4-160k_ade20k-512x512 4 512x512
fcn_hr48_4xb4-20k_voc12aug-512x512 4 512x512
fcn_hr48_4xb4-40k_pascal-context-480x480 4 480x480
fcn_hr48_4xb4-40k_pascal-context-59-480x480 4 480x480
fcn_hr48_4xb4-40k_voc12aug-512x512 4 512x512
fcn_hr48_4xb4-80k_ade20k-512x512 4 512x512
fcn_hr48_4xb4-80k_isaid-896x896 4 896x896
fcn_hr48_4xb4-80k_loveda-512x512 4 512x512
fcn_hr48_4xb4-80k_pascal-context-480x480 4 480x480
fcn_hr48_4xb4-80k_pascal-context-59-480x480 4 480x480
fcn_hr48_4xb4-80k_potsdam-512x512 4 512x512
fcn_hr48_4xb4-80k_vaihingen-512x512 4 512x512
icnet_r101-d8-in1k-pre_4xb2-160k_cityscapes-832x832 2 832x832
icnet_r101-d8-in1k-pre_4xb2-80k_cityscapes-832x832 2 832x832
icnet_r101-d8_4xb2-160k_cityscapes-832x832 2 832x832
icnet_r101-d8_4xb2-80k_cityscapes-832x832 2 832x832
icnet_r18-d8-in1k-pre_4xb2-160k_cityscapes-832x832 2 832x832
icnet_r18-d8-in1k-pre_4xb2-80k_cityscapes-832x832 2 832x832
icnet_r18-d8_4xb2-160k_cityscapes-832x832 2 832x832
icnet_r18-d8_4xb2-80k_cityscapes-832x832 2 832x832
icnet_r50-d8-in1k-pre_4xb2-160k_cityscapes-832x832 2 832x832
icnet_r50-d8-in1k-pre_4xb2-80k_cityscapes-832x832 2 832x832
icnet_r50-d8_4xb2-160k_cityscapes-832x832 2 832x832
icnet_r50-d8_4xb2-80k_cityscapes-832x832 2 832x832
isanet_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
isanet_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
isanet_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
isanet_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
isanet_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
isanet_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
isanet_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
isanet_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
isanet_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
isanet_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
isanet_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
isanet_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
isanet_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
isanet_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
isanet_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
isanet_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
knet-s3_r50-d8_deeplabv3_8xb2-adamw-80k_ade20k-512x512 2 512x512 W
knet-s3_r50-d8_fcn_8xb2-adamw-80k_ade20k-512x512 2 512x512 W
knet-s3_r50-d8_pspnet_8xb2-adamw-80k_ade20k-512x512 2 512x512 W
knet-s3_r50-d8_upernet_8xb2-adamw-80k_ade20k-512x512 2 512x512 W
knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-512x512 2 512x512 W
knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-640x640 2 640x640 W
knet-s3_swin-t_upernet_8xb2-adamw-80k_ade20k-512x512 2 512x512 W
mae-base_upernet_8xb2-amp-160k_ade20k-512x512-ms 2 512x512 W a
mae-base_upernet_8xb2-amp-160k_ade20k-512x512 2 512x512 W a
mask2former_r101_8xb2-160k_ade20k-512x512 2 512x512 W
mask2former_r101_8xb2-90k_cityscapes-512x1024 2 512x1024 W
mask2former_r50_8xb2-160k_ade20k-512x512 2 512x512 W
mask2former_r50_8xb2-90k_cityscapes-512x1024 2 512x1024 W
mask2former_swin-b-in1k-384x384-pre_8xb2-160k_ade20k-640x640 2 640x640 W
mask2former_swin-b-in22k-384x384-pre_8xb2-160k_ade20k-640x640 2 640x640 W
mask2former_swin-b-in22k-384x384-pre_8xb2-90k_cityscapes-512x1024 2 512x1024 W
mask2former_swin-l-in22k-384x384-pre_8xb2-160k_ade20k-640x640 2 640x640 W
mask2former_swin-l-in22k-384x384-pre_8xb2-90k_cityscapes-512x1024 2 512x1024 W
mask2former_swin-s_8xb2-160k_ade20k-512x512 2 512x512 W
mask2former_swin-s_8xb2-90k_cityscapes-512x1024 2 512x1024 W
mask2former_swin-t_8xb2-160k_ade20k-512x512 2 512x512 W
mask2former_swin-t_8xb2-90k_cityscapes-512x1024 2 512x1024 W
maskformer_r101-d32_8xb2-160k_ade20k-512x512 2 512x512 W
maskformer_r50-d32_8xb2-160k_ade20k-512x512 2 512x512 W
maskformer_swin-s_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
maskformer_swin-t_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
mobilenet-v2-d8_deeplabv3_4xb2-80k_cityscapes-512x1024 2 512x1024
mobilenet-v2-d8_deeplabv3_4xb4-160k_ade20k-512x512 4 512x512
mobilenet-v2-d8_deeplabv3plus_4xb2-80k_cityscapes-512x1024 2 512x1024
mobilenet-v2-d8_deeplabv3plus_4xb4-160k_ade20k-512x512 4 512x512
mobilenet-v2-d8_fcn_4xb2-80k_cityscapes-512x1024 2 512x1024
mobilenet-v2-d8_fcn_4xb4-160k_ade20k-512x512 4 512x512
mobilenet-v2-d8_pspnet_4xb2-80k_cityscapes-512x1024 2 512x1024
mobilenet-v2-d8_pspnet_4xb4-160k_ade20k-512x512 4 512x512
mobilenet-v3-d8-s_lraspp_4xb4-320k_cityscapes-512x1024 4 512x1024
mobilenet-v3-d8-scratch-s_lraspp_4xb4-320k_cityscapes-512x1024 4 512x1024
mobilenet-v3-d8-scratch_lraspp_4xb4-320k_cityscapes-512x1024 4 512x1024
mobilenet-v3-d8_lraspp_4xb4-320k_cityscapes-512x1024 4 512x1024
nonlocal_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
nonlocal_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
nonlocal_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
nonlocal_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
nonlocal_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
nonlocal_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
nonlocal_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
nonlocal_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
nonlocal_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
nonlocal_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
nonlocal_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
nonlocal_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
nonlocal_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
nonlocal_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
nonlocal_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
nonlocal_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
ocrnet_hr18_4xb2-160k_cityscapes-512x1024 2 512x1024
ocrnet_hr18_4xb2-40k_cityscapes-512x1024 2 512x1024
ocrnet_hr18_4xb2-80k_cityscapes-512x1024 2 512x1024
ocrnet_hr18_4xb4-160k_ade20k-512x512 4 512x512
ocrnet_hr18_4xb4-20k_voc12aug-512x512 4 512x512
ocrnet_hr18_4xb4-40k_voc12aug-512x512 4 512x512
ocrnet_hr18_4xb4-80k_ade20k-512x512 4 512x512
ocrnet_hr18s_4xb2-160k_cityscapes-512x1024 2 512x1024
ocrnet_hr18s_4xb2-40k_cityscapes-512x1024 2 512x1024
ocrnet_hr18s_4xb2-80k_cityscapes-512x1024 2 512x1024
ocrnet_hr18s_4xb4-160k_ade20k-512x512 4 512x512
ocrnet_hr18s_4xb4-20k_voc12aug-512x512 4 512x512
ocrnet_hr18s_4xb4-40k_voc12aug-512x512 4 512x512
ocrnet_hr18s_4xb4-80k_ade20k-512x512 4 512x512
ocrnet_hr48_4xb2-160k_cityscapes-512x1024 2 512x1024
ocrnet_hr48_4xb2-40k_cityscapes-512x1024 2 512x1024
ocrnet_hr48_4xb2-80k_cityscapes-512x1024 2 512x1024
ocrnet_hr48_4xb4-160k_ade20k-512x512 4 512x512
ocrnet_hr48_4xb4-20k_voc12aug-512x512 4 512x512
ocrnet_hr48_4xb4-40k_voc12aug-512x512 4 512x512
ocrnet_hr48_4xb4-80k_ade20k-512x512 4 512x512
ocrnet_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
ocrnet_r101-d8_8xb2-40k_cityscapes-512x1024 2 512x1024
ocrnet_r101-d8_8xb2-80k_cityscapes-512x1024 2 512x1024
pidnet-l_2xb6-120k_1024x1024-cityscapes 6 1024x1024
pidnet-m_2xb6-120k_1024x1024-cityscapes 6 1024x1024
pidnet-s_2xb6-120k_1024x1024-cityscapes 6 1024x1024
pointrend_r101_4xb2-80k_cityscapes-512x1024 2 512x1024
pointrend_r101_4xb4-160k_ade20k-512x512 4 512x512
pointrend_r50_4xb2-80k_cityscapes-512x1024 2 512x1024
pointrend_r50_4xb4-160k_ade20k-512x512 4 512x512
fpn_poolformer_m36_8xb4-40k_ade20k-512x512 4 512x512 W a
fpn_poolformer_m48_8xb4-40k_ade20k-512x512 4 512x512 W a
fpn_poolformer_s12_8xb4-40k_ade20k-512x512 4 512x512 W a
fpn_poolformer_s24_8xb4-40k_ade20k-512x512 4 512x512 W a
fpn_poolformer_s36_8x4_512x512_40k_ade20k 4 512x512 W a
psanet_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
psanet_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
psanet_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
psanet_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
psanet_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
psanet_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
psanet_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
psanet_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
psanet_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
psanet_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
psanet_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
psanet_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
psanet_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
psanet_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
psanet_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
psanet_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
pspnet_r101-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
pspnet_r101-d8_4xb2-40k_cityscapes-512x1024_dark-zurich-1920x1080 2 512x1024
pspnet_r101-d8_4xb2-40k_cityscapes-512x1024_night-driving-1920x1080 2 512x1024
pspnet_r101-d8_4xb2-40k_cityscapes-769x769 2 769x769
pspnet_r101-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
pspnet_r101-d8_4xb2-80k_cityscapes-769x769 2 769x769
pspnet_r101-d8_4xb2-amp-80k_cityscapes-512x1024 2 512x1024 - a
pspnet_r101-d8_4xb4-160k_ade20k-512x512 4 512x512
pspnet_r101-d8_4xb4-160k_coco-stuff164k-512x512 4 512x512
pspnet_r101-d8_4xb4-20k_coco-stuff10k-512x512 4 512x512
pspnet_r101-d8_4xb4-20k_voc12aug-512x512 4 512x512
pspnet_r101-d8_4xb4-320k_coco-stuff164k-512x512 4 512x512
pspnet_r101-d8_4xb4-40k_coco-stuff10k-512x512 4 512x512
pspnet_r101-d8_4xb4-40k_pascal-context-480x480 4 480x480
pspnet_r101-d8_4xb4-40k_pascal-context-59-480x480 4 480x480
pspnet_r101-d8_4xb4-40k_voc12aug-512x512 4 512x512
pspnet_r101-d8_4xb4-80k_ade20k-512x512 4 512x512
pspnet_r101-d8_4xb4-80k_coco-stuff164k-512x512 4 512x512
pspnet_r101-d8_4xb4-80k_loveda-512x512 4 512x512
pspnet_r101-d8_4xb4-80k_pascal-context-480x480 4 480x480
pspnet_r101-d8_4xb4-80k_pascal-context-59-480x480 4 480x480
pspnet_r101-d8_4xb4-80k_potsdam-512x512 4 512x512
pspnet_r101-d8_4xb4-80k_vaihingen-512x512 4 512x512
pspnet_r101b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
pspnet_r101b-d8_4xb2-80k_cityscapes-512x1024_dark-zurich-1920x1080 2 512x1024
pspnet_r101b-d8_4xb2-80k_cityscapes-512x1024_night-driving-1920x1080 2 512x1024
pspnet_r101b-d8_4xb2-80k_cityscapes-769x769 2 769x769
pspnet_r18-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
pspnet_r18-d8_4xb2-80k_cityscapes-769x769 2 769x769
pspnet_r18-d8_4xb4-80k_isaid-896x896 4 896x896
pspnet_r18-d8_4xb4-80k_loveda-512x512 4 512x512
pspnet_r18-d8_4xb4-80k_potsdam-512x512 4 512x512
pspnet_r18-d8_4xb4-80k_vaihingen-512x512 4 512x512
pspnet_r18b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
pspnet_r18b-d8_4xb2-80k_cityscapes-769x769 2 769x769
pspnet_r50-d32_4xb2-80k_cityscapes-512x1024 2 512x1024
pspnet_r50-d32_rsb_4xb2-adamw-80k_cityscapes-512x1024 2 512x1024 W
pspnet_r50-d8-rsb_4xb2-adamw-80k_cityscapes-512x1024 2 512x1024 W
pspnet_r50-d8_4xb2-40k_cityscapes-512x1024 2 512x1024
pspnet_r50-d8_4xb2-40k_cityscapes-512x1024_dark-zurich-1920x1080 2 512x1024
pspnet_r50-d8_4xb2-40k_cityscapes-512x1024_night-driving-1920x1080 2 512x1024
pspnet_r50-d8_4xb2-40k_cityscapes-769x769 2 769x769
pspnet_r50-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
pspnet_r50-d8_4xb2-80k_cityscapes-512x1024_dark-zurich-1920x1080 2 512x1024
pspnet_r50-d8_4xb2-80k_cityscapes-512x1024_night-driving-1920x1080 2 512x1024
pspnet_r50-d8_4xb2-80k_cityscapes-769x769 2 769x769
pspnet_r50-d8_4xb4-160k_ade20k-512x512 4 512x512
pspnet_r50-d8_4xb4-160k_coco-stuff164k-512x512 4 512x512
pspnet_r50-d8_4xb4-20k_coco-stuff10k-512x512 4 512x512
pspnet_r50-d8_4xb4-20k_voc12aug-512x512 4 512x512
pspnet_r50-d8_4xb4-320k_coco-stuff164k-512x512 4 512x512
pspnet_r50-d8_4xb4-40k_coco-stuff10k-512x512 4 512x512
pspnet_r50-d8_4xb4-40k_pascal-context-480x480 4 480x480
pspnet_r50-d8_4xb4-40k_pascal-context-59-480x480 4 480x480
pspnet_r50-d8_4xb4-40k_voc12aug-512x512 4 512x512
pspnet_r50-d8_4xb4-80k_ade20k-512x512 4 512x512
pspnet_r50-d8_4xb4-80k_coco-stuff164k-512x512 4 512x512
pspnet_r50-d8_4xb4-80k_isaid-896x896 4 896x896
pspnet_r50-d8_4xb4-80k_loveda-512x512 4 512x512
pspnet_r50-d8_4xb4-80k_pascal-context-480x480 4 480x480
pspnet_r50-d8_4xb4-80k_pascal-context-59-480x480 4 480x480
pspnet_r50-d8_4xb4-80k_potsdam-512x512 4 512x512
pspnet_r50-d8_4xb4-80k_vaihingen-512x512 4 512x512
pspnet_r50b-d32_4xb2-80k_cityscapes-512x1024 2 512x1024
pspnet_r50b-d8_4xb2-80k_cityscapes-512x1024 2 512x1024
pspnet_r50b-d8_4xb2-80k_cityscapes-769x769 2 769x769
resnest_s101-d8_deeplabv3_4xb2-80k_cityscapes-512x1024 2 512x1024
resnest_s101-d8_deeplabv3_4xb4-160k_ade20k-512x512 4 512x512
resnest_s101-d8_deeplabv3plus_4xb2-80k_cityscapes-512x1024 2 512x1024
resnest_s101-d8_deeplabv3plus_4xb4-160k_ade20k-512x512 4 512x512
resnest_s101-d8_fcn_4xb2-80k_cityscapes-512x1024 2 512x1024
resnest_s101-d8_fcn_4xb4-160k_ade20k-512x512 4 512x512
resnest_s101-d8_pspnet_4xb2-80k_cityscapes512x1024 2 512x1024
resnest_s101-d8_pspnet_4xb4-160k_ade20k-512x512 4 512x512
san-vit-b16_coco-stuff164k-640x640 8 640x640 W a
san-vit-b16_pascal_context-640x640 2 480x480 W
san-vit-b16_voc12aug-640x640 2 512x512 W
san-vit-l14_coco-stuff164k-640x640 4 640x640 W a
san-vit-l14_pascal_context-640x640 2 480x480 W
san-vit-l14_voc12aug-640x640 2 512x512 W
segformer_mit-b0_8xb1-160k_cityscapes-1024x1024 1 1024x1024 W
segformer_mit-b0_8xb2-160k_ade20k-512x512 2 512x512 W
segformer_mit-b1_8xb1-160k_cityscapes-1024x1024 1 1024x1024 W
segformer_mit-b1_8xb2-160k_ade20k-512x512 2 512x512 W
segformer_mit-b2_8xb1-160k_cityscapes-1024x1024 1 1024x1024 W
segformer_mit-b2_8xb2-160k_ade20k-512x512 2 512x512 W
segformer_mit-b3_8xb1-160k_cityscapes-1024x1024 1 1024x1024 W
segformer_mit-b3_8xb2-160k_ade20k-512x512 2 512x512 W
segformer_mit-b4_8xb1-160k_cityscapes-1024x1024 1 1024x1024 W
segformer_mit-b4_8xb2-160k_ade20k-512x512 2 512x512 W
segformer_mit-b5_8xb1-160k_cityscapes-1024x1024 1 1024x1024 W
segformer_mit-b5_8xb2-160k_ade20k-512x512 2 512x512 W
segformer_mit-b5_8xb2-160k_ade20k-640x640 2 640x640 W
segmenter_vit-b_mask_8xb1-160k_ade20k-512x512 1 512x512
segmenter_vit-l_mask_8xb1-160k_ade20k-512x512 1 640x640
segmenter_vit-s_fcn_8xb1-160k_ade20k-512x512 1 512x512
segmenter_vit-s_mask_8xb1-160k_ade20k-512x512 1 512x512
segmenter_vit-t_mask_8xb1-160k_ade20k-512x512 1 512x512
segnext_mscan-b_1xb16-adamw-160k_ade20k-512x512 16 512x512 W
segnext_mscan-l_1xb16-adamw-160k_ade20k-512x512 16 512x512 W
segnext_mscan-s_1xb16-adamw-160k_ade20k-512x512 16 512x512 W
segnext_mscan-t_1xb16-adamw-160k_ade20k-512x512 16 512x512 W
fpn_r101_4xb2-80k_cityscapes-512x1024 2 512x1024
fpn_r101_4xb4-160k_ade20k-512x512 4 512x512
fpn_r50_4xb2-80k_cityscapes-512x1024 2 512x1024
fpn_r50_4xb4-160k_ade20k-512x512 4 512x512
setr_vit-l-mla_8xb1-160k_ade20k-512x512 1 512x512
setr_vit-l_mla_8xb1-80k_cityscapes-768x768 1 768x768
setr_vit-l_mla_8xb2-160k_ade20k-512x512 2 512x512
setr_vit-l_naive_8xb1-80k_cityscapes-768x768 1 768x768
setr_vit-l_naive_8xb2-160k_ade20k-512x512 2 512x512
setr_vit-l_pup_8xb1-80k_cityscapes-768x768 1 768x768
setr_vit-l_pup_8xb2-160k_ade20k-512x512 2 512x512
stdc1_4xb12-80k_cityscapes-512x1024 12 512x1024
stdc1_in1k-pre_4xb12-80k_cityscapes-512x1024 12 512x1024
stdc2_4xb12-80k_cityscapes-512x1024 12 512x1024
stdc2_in1k-pre_4xb12-80k_cityscapes-512x1024 12 512x1024
swin-base-patch4-window12-in1k-384x384-pre_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
swin-base-patch4-window12-in22k-384x384-pre_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
swin-base-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
swin-base-patch4-window7-in22k-pre_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
swin-large-patch4-window12-in22k-384x384-pre_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
swin-large-patch4-window7-in22k-pre_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
swin-small-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
swin-tiny-patch4-window7_upernet_1xb8-20k_levir-256x256 4 256x256 W
twins_pcpvt-b_fpn_fpnhead_8xb4-80k_ade20k-512x512 4 512x512 W
twins_pcpvt-b_uperhead_8xb2-160k_ade20k-512x512 2 512x512 W
twins_pcpvt-l_fpn_fpnhead_8xb4-80k_ade20k-512x512 4 512x512 W
twins_pcpvt-l_uperhead_8xb2-160k_ade20k-512x512 2 512x512 W
twins_pcpvt-s_fpn_fpnhead_8xb4-80k_ade20k-512x512 4 512x512 W
twins_pcpvt-s_uperhead_8xb4-160k_ade20k-512x512 4 512x512 W
twins_svt-b_fpn_fpnhead_8xb4-80k_ade20k-512x512 4 512x512 W
twins_svt-b_uperhead_8xb2-160k_ade20k-512x512 2 512x512 W
twins_svt-l_fpn_fpnhead_8xb4-80k_ade20k-512x512 4 512x512 W
twins_svt-l_uperhead_8xb2-160k_ade20k-512x512 2 512x512 W
twins_svt-s_fpn_fpnhead_8xb4-80k_ade20k-512x512 4 512x512 W
twins_svt-s_uperhead_8xb2-160k_ade20k-512x512 2 512x512 W
unet-s5-d16_deeplabv3_4xb4-40k_drive-64x64 4 64x64
unet-s5-d16_deeplabv3_4xb4-40k_hrf-256x256 4 256x256
unet-s5-d16_deeplabv3_4xb4-40k_stare-128x128 4 128x128
unet-s5-d16_deeplabv3_4xb4-ce-1.0-dice-3.0-40k_chase-db1-128x128 4 128x128
unet-s5-d16_deeplabv3_4xb4-ce-1.0-dice-3.0-40k_drive-64x64 4 64x64
unet-s5-d16_deeplabv3_4xb4-ce-1.0-dice-3.0-40k_hrf-256x256 4 256x256
unet-s5-d16_deeplabv3_4xb4-ce-1.0-dice-3.0-40k_stare-128x128 4 128x128
unet-s5-d16_fcn_4xb4-160k_cityscapes-512x1024 4 512x1024
unet-s5-d16_fcn_4xb4-40k_chase-db1-128x128 4 128x128
unet-s5-d16_fcn_4xb4-40k_drive-64x64 4 64x64
unet-s5-d16_fcn_4xb4-40k_hrf-256x256 4 256x256
unet-s5-d16_fcn_4xb4-40k_stare-128x128 4 128x128
unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_chase-db1-128x128 4 128x128
unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_drive-64x64 4 64x64
unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_hrf-256x256 4 256x256
unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_stare-128x128 4 128x128
unet-s5-d16_pspnet_4xb4-40k_chase-db1-128x128 4 128x128
unet-s5-d16_pspnet_4xb4-40k_drive-64x64 4 64x64
unet-s5-d16_pspnet_4xb4-40k_hrf-256x256 4 256x256
unet-s5-d16_pspnet_4xb4-40k_stare-128x128 4 128x128
unet-s5-d16_pspnet_4xb4-ce-1.0-dice-3.0-40k_chase-db1-128x128 4 128x128
unet-s5-d16_pspnet_4xb4-ce-1.0-dice-3.0-40k_drive-64x64 4 64x64
unet-s5-d16_pspnet_4xb4-ce-1.0-dice-3.0-40k_hrf-256x256 4 256x256
unet-s5-d16_pspnet_4xb4-ce-1.0-dice-3.0-40k_stare-128x128 4 128x128
unet_s5-d16_deeplabv3_4xb4-40k_chase-db1-128x128 4 128x128
upernet_r101_4xb2-40k_cityscapes-512x1024 2 512x1024
upernet_r101_4xb2-40k_cityscapes-769x769 2 769x769
upernet_r101_4xb2-80k_cityscapes-512x1024 2 512x1024
upernet_r101_4xb2-80k_cityscapes-769x769 2 769x769
upernet_r101_4xb4-160k_ade20k-512x512 4 512x512
upernet_r101_4xb4-20k_voc12aug-512x512 4 512x512
upernet_r101_4xb4-40k_voc12aug-512x512 4 512x512
upernet_r101_4xb4-80k_ade20k-512x512 4 512x512
upernet_r18_4xb2-40k_cityscapes-512x1024 2 512x1024
upernet_r18_4xb2-80k_cityscapes-512x1024 2 512x1024
upernet_r18_4xb4-160k_ade20k-512x512 4 512x512
upernet_r18_4xb4-20k_voc12aug-512x512 4 512x512
upernet_r18_4xb4-40k_voc12aug-512x512 4 512x512
upernet_r18_4xb4-80k_ade20k-512x512 4 512x512
upernet_r50_4xb2-40k_cityscapes-512x1024 2 512x1024
upernet_r50_4xb2-40k_cityscapes-769x769 2 769x769
upernet_r50_4xb2-80k_cityscapes-512x1024 2 512x1024
upernet_r50_4xb2-80k_cityscapes-769x769 2 769x769
upernet_r50_4xb4-160k_ade20k-512x512 4 512x512
upernet_r50_4xb4-20k_voc12aug-512x512 4 512x512
upernet_r50_4xb4-40k_voc12aug-512x512 4 512x512
upernet_r50_4xb4-80k_ade20k-512x512 4 512x512
vit_deit-b16-ln_mln_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
vit_deit-b16_mln_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
vit_deit-b16_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
vit_deit-b16_upernet_8xb2-80k_ade20k-512x512 2 512x512 W
vit_deit-s16-ln_mln_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
vit_deit-s16_mln_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
vit_deit-s16_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
vit_deit-s16_upernet_8xb2-80k_ade20k-512x512 2 512x512 W
vit_vit-b16-ln_mln_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
vit_vit-b16_mln_upernet_8xb2-160k_ade20k-512x512 2 512x512 W
vit_vit-b16_mln_upernet_8xb2-80k_ade20k-512x512 2 512x512 W
vpd_sd_4xb8-25k_nyu-480x480 8 480x480 W
vpd_sd_4xb8-25k_nyu-512x512 8 512x512 W
`,
  mmaction: `
slowfast-acrn_kinetics400-pretrained-r50_8xb8-8x8x1-cosine-10e_ava21-rgb 8 256x256
slowfast-acrn_kinetics400-pretrained-r50_8xb8-8x8x1-cosine-10e_ava22-rgb 8 256x256
slowonly-lfb-max_kinetics400-pretrained-r50_8xb12-4x16x1-20e_ava21-rgb 12 256x256
slowonly-lfb-nl_kinetics400-pretrained-r50_8xb12-4x16x1-20e_ava21-rgb 12 256x256
slowfast_kinetics400-pretrained-r50-context_8xb16-4x16x1-20e_ava21-rgb 16 256x256
slowfast_kinetics400-pretrained-r50-temporal-max_8xb6-8x8x1-cosine-10e_ava22-rgb 6 256x256
slowfast_kinetics400-pretrained-r50_8xb16-4x16x1-20e_ava21-rgb 16 256x256
slowfast_kinetics400-pretrained-r50_8xb16-4x16x1-8e_multisports-rgb 16 256x256
slowfast_kinetics400-pretrained-r50_8xb6-8x8x1-cosine-10e_ava22-rgb 6 256x256
slowfast_kinetics400-pretrained-r50_8xb8-8x8x1-20e_ava21-rgb 8 256x256
slowfast_r50-k400-pre-temporal-max-focal-alpha3-gamma1_8xb6-8x8x1-cosine-10e_ava22-rgb 6 256x256
slowonly_k400-pre-r50_8xb8-4x16x1-10e_ava-kinetics-rgb 8 256x256
slowonly_k400-pre-r50_8xb8-8x8x1-10e_ava-kinetics-rgb 8 256x256
slowonly_k700-pre-r50-context-temporal-max-nl-head_8xb8-8x8x1-10e_ava-kinetics-rgb 8 256x256
slowonly_k700-pre-r50-context-temporal-max-nl-head_8xb8-8x8x1-focal-10e_ava-kinetics-rgb 8 256x256
slowonly_k700-pre-r50-context-temporal-max_8xb8-8x8x1-10e_ava-kinetics-rgb 8 256x256
slowonly_k700-pre-r50-context_8xb8-8x8x1-10e_ava-kinetics-rgb 8 256x256
slowonly_k700-pre-r50_8xb8-16x4x1-10e-tricks_ava-kinetics-rgb 8 256x256
slowonly_k700-pre-r50_8xb8-4x16x1-10e_ava-kinetics-rgb 8 256x256
slowonly_k700-pre-r50_8xb8-8x8x1-10e_ava-kinetics-rgb 8 256x256
slowonly_kinetics400-pretrained-r101_8xb16-8x8x1-20e_ava21-rgb 16 256x256
slowonly_kinetics400-pretrained-r50-nl_8xb16-4x16x1-20e_ava21-rgb 16 256x256
slowonly_kinetics400-pretrained-r50-nl_8xb16-8x8x1-20e_ava21-rgb 16 256x256
slowonly_kinetics400-pretrained-r50_8xb16-4x16x1-20e_ava21-rgb 16 256x256
slowonly_kinetics400-pretrained-r50_8xb16-4x16x1-8e_multisports-rgb 16 256x256
slowonly_kinetics700-pretrained-r50_8xb16-4x16x1-20e_ava21-rgb 16 256x256
vit-base-p16_videomae-k400-pre_8xb8-16x4x1-20e-adamw_ava-kinetics-rgb 8 256x256 W
vit-large-p16_videomae-k400-pre_8xb8-16x4x1-20e-adamw_ava-kinetics-rgb 8 256x256 W
bmn_2xb8-2048x100-9e_activitynet-slowonly-k700-feature 8 - A
bmn_2xb8-400x100-9e_activitynet-feature 8 - A
bsn_pem_1xb16-2048x100-20e_activitynet-slowonly-k700-feature 16 - A
bsn_pem_1xb16-400x100-20e_activitynet-feature 16 - A
bsn_tem_1xb16-2048x100-20e_activitynet-k700-feature 16 - A
bsn_tem_1xb16-400x100-20e_activitynet-feature 16 - A
drn_2xb16-4096-10e_c3d-feature_first 16 - A
drn_2xb16-4096-10e_c3d-feature_second 16 - A
drn_2xb16-4096-10e_c3d-feature_third 16 - A
tcanet_2xb8-700x100-9e_hacs-feature 8 - A
vindlu_beit-base_8x16_retrieval_msrvtt-9k 32 224x224 W a
vindlu_beit-base_8x8_vqa_msrvtt-qa 8 224x224 W a
c2d_r101-in1k-pre-nopool_8xb32-8x8x1-100e_kinetics400-rgb 32 224x224
c2d_r50-in1k-pre-nopool_8xb32-8x8x1-100e_kinetics400-rgb 32 224x224
c2d_r50-in1k-pre_8xb32-16x4x1-100e_kinetics400-rgb 32 224x224
c2d_r50-in1k-pre_8xb32-8x8x1-100e_kinetics400-rgb 32 224x224
c3d_sports1m-pretrained_8xb30-16x1x1-45e_ucf101-rgb 30 112x112
ipcsn_ig65m-pretrained-r152-bnfrozen_32x2x1-58e_kinetics400-rgb 12 224x224
ipcsn_r152_32x2x1-180e_kinetics400-rgb 12 224x224
ipcsn_sports1m-pretrained-r152-bnfrozen_32x2x1-58e_kinetics400-rgb 12 224x224
ircsn_ig65m-pretrained-r152-bnfrozen_8xb12-32x2x1-58e_kinetics400-rgb 12 224x224
ircsn_ig65m-pretrained-r152_8xb12-32x2x1-58e_kinetics400-rgb 12 224x224
ircsn_ig65m-pretrained-r50-bnfrozen_8xb12-32x2x1-58e_kinetics400-rgb 12 224x224
ircsn_r152_32x2x1-180e_kinetics400-rgb 12 224x224
ircsn_sports1m-pretrained-r152-bnfrozen_32x2x1-58e_kinetics400-rgb 12 224x224
i3d_imagenet-pretrained-r50-heavy_8xb8-32x2x1-100e_kinetics400-rgb 8 224x224
i3d_imagenet-pretrained-r50-nl-dot-product_8xb8-32x2x1-100e_kinetics400-rgb 8 224x224
i3d_imagenet-pretrained-r50-nl-embedded-gaussian_8xb8-32x2x1-100e_kinetics400-rgb 8 224x224
i3d_imagenet-pretrained-r50-nl-gaussian_8xb8-32x2x1-100e_kinetics400-rgb 8 224x224
i3d_imagenet-pretrained-r50_8xb8-32x2x1-100e_kinetics400-rgb 8 224x224
i3d_imagenet-pretrained-r50_8xb8-dense-32x2x1-100e_kinetics400-rgb 8 224x224
mvit-base-p244_32x3x1_kinetics400-rgb 8 224x224 W
mvit-base-p244_u32_sthv2-rgb 8 224x224 W
mvit-large-p244_40x3x1_kinetics400-rgb 8 312x312 W
mvit-large-p244_u40_sthv2-rgb 8 224x224 W
mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb 8 224x224 W
mvit-small-p244_k400-maskfeat-pre_8xb32-16x4x1-100e_kinetics400-rgb 16 224x224 W
mvit-small-p244_k400-pre_16xb16-u16-100e_sthv2-rgb 8 224x224 W
slowonly_r50_8xb16-8x8x1-256e_imagenet-kinetics400-rgb 16 224x224
r2plus1d_r34_8xb8-32x2x1-180e_kinetics400-rgb 8 224x224
r2plus1d_r34_8xb8-8x8x1-180e_kinetics400-rgb 8 224x224
slowfast_r101-r50_32xb8-4x16x1-256e_kinetics400-rgb 8 224x224
slowfast_r101_8xb8-8x8x1-256e_kinetics400-rgb 8 224x224
slowfast_r50_8xb8-4x16x1-256e_kinetics400-rgb 8 224x224
slowfast_r50_8xb8-8x8x1-256e_kinetics400-rgb 8 224x224
slowfast_r50_8xb8-8x8x1-steplr-256e_kinetics400-rgb 8 224x224
slowonly_imagenet-pretrained-r50_16xb16-4x16x1-steplr-150e_kinetics700-rgb 16 224x224
slowonly_imagenet-pretrained-r50_16xb16-8x8x1-steplr-150e_kinetics700-rgb 16 224x224
slowonly_imagenet-pretrained-r50_32xb8-8x8x1-steplr-150e_kinetics710-rgb 8 224x224
slowonly_imagenet-pretrained-r50_8xb16-4x16x1-steplr-150e_kinetics400-rgb 16 224x224
slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e_kinetics400-rgb 16 224x224
slowonly_r101_8xb16-8x8x1-196e_kinetics400-rgb 16 224x224
slowonly_r50-in1k-pre-nl-embedded-gaussian_8xb16-4x16x1-steplr-150e_kinetics400-rgb 16 224x224
slowonly_r50-in1k-pre-nl-embedded-gaussian_8xb16-8x8x1-steplr-150e_kinetics400-rgb 16 224x224
slowonly_r50_8xb16-16x4x1-256e_kinetics400-flow 16 224x224
slowonly_r50_8xb16-4x16x1-256e_kinetics400-rgb 16 224x224
slowonly_r50_8xb16-8x8x1-256e_kinetics400-rgb 16 224x224
swin-base-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb 8 224x224 W a
swin-large-p244-w877_in22k-pre_16xb8-amp-32x2x1-30e_kinetics700-rgb 8 224x224 W a
swin-large-p244-w877_in22k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb 8 224x224 W a
swin-small-p244-w877_in1k-pre_32xb4-amp-32x2x1-30e_kinetics710-rgb 4 224x224 W a
swin-small-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb 8 224x224 W a
swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb 8 224x224 W a
tanet_imagenet-pretrained-r50_8xb6-1x1x16-50e_sthv1-rgb 6 224x224
tanet_imagenet-pretrained-r50_8xb8-1x1x8-50e_sthv1-rgb 8 224x224
tanet_imagenet-pretrained-r50_8xb8-dense-1x1x8-100e_kinetics400-rgb 8 224x224
timesformer_divST_8xb8-8x32x1-15e_kinetics400-rgb 8 224x224
timesformer_jointST_8xb8-8x32x1-15e_kinetics400-rgb 8 224x224
timesformer_spaceOnly_8xb8-8x32x1-15e_kinetics400-rgb 8 224x224
tin_imagenet-pretrained-r50_8xb6-1x1x8-40e_sthv1-rgb 6 224x224
tin_imagenet-pretrained-r50_8xb6-1x1x8-40e_sthv2-rgb 6 224x224
tin_kinetics400-pretrained-tsm-r50_1x1x8-50e_kinetics400-rgb 6 224x224
tpn-slowonly_imagenet-pretrained-r50_8xb8-8x8x1-150e_kinetics400-rgb 8 224x224
tpn-slowonly_r50_8xb8-8x8x1-150e_kinetics400-rgb 8 224x224
tpn-tsm_imagenet-pretrained-r50_8xb8-1x1x8-150e_sthv1-rgb 8 224x224
trn_imagenet-pretrained-r50_8xb16-1x1x8-50e_sthv1-rgb 16 224x224
trn_imagenet-pretrained-r50_8xb16-1x1x8-50e_sthv2-rgb 16 224x224
tsm_imagenet-pretrained-mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb 16 224x224
tsm_imagenet-pretrained-mobileone-s4_8xb16-1x1x16-50e_kinetics400-rgb 8 224x224
tsm_imagenet-pretrained-mobileone-s4_deploy_8xb16-1x1x16-50e_kinetics400-rgb 8 224x224
tsm_imagenet-pretrained-r101_8xb16-1x1x8-50e_sthv2-rgb 16 224x224
tsm_imagenet-pretrained-r50-nl-dot-product_8xb16-1x1x8-50e_kinetics400-rgb 16 224x224
tsm_imagenet-pretrained-r50-nl-embedded-gaussian_8xb16-1x1x8-50e_kinetics400-rgb 16 224x224
tsm_imagenet-pretrained-r50-nl-gaussian_8xb16-1x1x8-50e_kinetics400-rgb 16 224x224
tsm_imagenet-pretrained-r50_8xb16-1x1x16-50e_kinetics400-rgb 16 224x224
tsm_imagenet-pretrained-r50_8xb16-1x1x16-50e_sthv2-rgb 16 224x224
tsm_imagenet-pretrained-r50_8xb16-1x1x8-100e_kinetics400-rgb 16 224x224
tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb 16 224x224
tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_sthv2-rgb 16 224x224
tsm_imagenet-pretrained-r50_8xb16-dense-1x1x8-50e_kinetics400-rgb 16 224x224
tsn_imagenet-pretrained-dense161_8xb32-1x1x3-100e_kinetics400-rgb 32 224x224
tsn_imagenet-pretrained-mobileone-s4_8xb32-1x1x8-100e_kinetics400-rgb 16 224x224
tsn_imagenet-pretrained-mobileone-s4_deploy_8xb32-1x1x8-100e_kinetics400-rgb 16 224x224
tsn_imagenet-pretrained-rn101-32x4d_8xb32-1x1x3-100e_kinetics400-rgb 32 224x224
tsn_imagenet-pretrained-swin-transformer_32xb8-1x1x8-50e_kinetics400-rgb 32 224x224
tsn_imagenet-pretrained-swin-transformer_8xb32-1x1x3-100e_kinetics400-rgb 32 224x224
tsn_imagenet-pretrained-r101_8xb32-1x1x8-100e_kinetics400-rgb 32 224x224
tsn_imagenet-pretrained-r50_8xb32-1x1x16-50e_sthv2-rgb 32 224x224
tsn_imagenet-pretrained-r50_8xb32-1x1x3-100e_kinetics400-rgb 32 224x224
tsn_imagenet-pretrained-r50_8xb32-1x1x5-100e_kinetics400-rgb 32 224x224
tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb 32 224x224
tsn_imagenet-pretrained-r50_8xb32-1x1x8-50e_sthv2-rgb 32 224x224
tsn_imagenet-pretrained-r50_8xb32-dense-1x1x5-100e_kinetics400-rgb 32 224x224
tsn_imagenet-pretrained-r50_8xb32_5x1x3-110e_kinetics400-flow 32 224x224
uniformerv2-base-p16-res224_clip-kinetics710-kinetics-k400-pre_16xb32-u8_mitv1-rgb 8 224x224 W
uniformerv2-base-p16-res224_clip-kinetics710-pre_8xb32-u8_kinetics400-rgb 8 224x224 W
uniformerv2-base-p16-res224_clip-kinetics710-pre_8xb32-u8_kinetics600-rgb 8 224x224 W
uniformerv2-base-p16-res224_clip-kinetics710-pre_8xb32-u8_kinetics700-rgb 8 224x224 W
uniformerv2-base-p16-res224_clip_8xb32-u8_kinetics400-rgb 8 224x224 W
uniformerv2-base-p16-res224_clip_8xb32-u8_kinetics700-rgb 8 224x224 W
uniformerv2-base-p16-res224_clip_u8_kinetics710-rgb 8 224x224 W
audioonly_r50_8xb160-64x1x1-100e_kinetics400-audio-feature 160
tsn_r18_8xb320-64x1x1-100e_kinetics400-audio-feature 320
clip4clip_vit-base-p32-res224-clip-pre_8xb16-u12-5e_msrvtt-9k-rgb 16 -1<256 W
2s-agcn_8xb16-bone-motion-u100-80e_ntu60-xsub-keypoint-2d 16
2s-agcn_8xb16-bone-motion-u100-80e_ntu60-xsub-keypoint-3d 16
2s-agcn_8xb16-bone-u100-80e_ntu60-xsub-keypoint-2d 16
2s-agcn_8xb16-bone-u100-80e_ntu60-xsub-keypoint-3d 16
2s-agcn_8xb16-joint-motion-u100-80e_ntu60-xsub-keypoint-2d 16
2s-agcn_8xb16-joint-motion-u100-80e_ntu60-xsub-keypoint-3d 16
2s-agcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-2d 16
2s-agcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d 16
pose_only 16 56x56
rgb_only 12 224x224
rgbpose_conv3d 6 224x224
slowonly_kinetics400-pretrained-r50_8xb16-u48-120e_hmdb51-split1-keypoint 16 48x48
slowonly_kinetics400-pretrained-r50_8xb16-u48-120e_ucf101-split1-keypoint 16 48x48
slowonly_r50_8xb16-u48-240e_gym-keypoint 16 56x56
slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint 16 56x56
slowonly_r50_8xb16-u48-240e_ntu60-xsub-limb 16 56x56
slowonly_r50_8xb32-u48-240e_k400-keypoint 32 56x56
stgcn_8xb16-bone-motion-u100-80e_ntu120-xsub-keypoint-2d 16
stgcn_8xb16-bone-motion-u100-80e_ntu120-xsub-keypoint-3d 16
stgcn_8xb16-bone-motion-u100-80e_ntu60-xsub-keypoint-2d 16
stgcn_8xb16-bone-motion-u100-80e_ntu60-xsub-keypoint-3d 16
stgcn_8xb16-bone-u100-80e_ntu120-xsub-keypoint-2d 16
stgcn_8xb16-bone-u100-80e_ntu120-xsub-keypoint-3d 16
stgcn_8xb16-bone-u100-80e_ntu60-xsub-keypoint-2d 16
stgcn_8xb16-bone-u100-80e_ntu60-xsub-keypoint-3d 16
stgcn_8xb16-joint-motion-u100-80e_ntu120-xsub-keypoint-2d 16
stgcn_8xb16-joint-motion-u100-80e_ntu120-xsub-keypoint-3d 16
stgcn_8xb16-joint-motion-u100-80e_ntu60-xsub-keypoint-2d 16
stgcn_8xb16-joint-motion-u100-80e_ntu60-xsub-keypoint-3d 16
stgcn_8xb16-joint-u100-80e_ntu120-xsub-keypoint-2d 16
stgcn_8xb16-joint-u100-80e_ntu120-xsub-keypoint-3d 16
stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-2d 16
stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d 16
stgcnpp_8xb16-bone-motion-u100-80e_ntu60-xsub-keypoint-2d 16
stgcnpp_8xb16-bone-motion-u100-80e_ntu60-xsub-keypoint-3d 16
stgcnpp_8xb16-bone-u100-80e_ntu60-xsub-keypoint-2d 16
stgcnpp_8xb16-bone-u100-80e_ntu60-xsub-keypoint-3d 16
stgcnpp_8xb16-joint-motion-u100-80e_ntu60-xsub-keypoint-2d 16
stgcnpp_8xb16-joint-motion-u100-80e_ntu60-xsub-keypoint-3d 16
stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-2d 16
stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d 16
`,
  mmyolo: `
yolov5_s-static 16 640x640 - e
yolov6_s-static 32 640x640 - e
ppyoloe_l_fast_8xb20-300e_coco 20 320-800 - e
ppyoloe_m_fast_8xb28-300e_coco 28 320-800 - e
ppyoloe_plus_l_fast_8xb8-80e_coco 8 320-800 - e
ppyoloe_plus_m_fast_8xb8-80e_coco 8 320-800 - e
ppyoloe_plus_s_fast_1xb12-40e_cat 12 320-800 - e
ppyoloe_plus_s_fast_8xb8-80e_coco 8 320-800 - e
ppyoloe_plus_x_fast_8xb8-80e_coco 8 320-800 - e
ppyoloe_s_fast_8xb32-300e_coco 32 320-800 - e
ppyoloe_s_fast_8xb32-400e_coco 32 320-800 - e
ppyoloe_x_fast_8xb16-300e_coco 16 320-800 - e
kd_l_rtmdet_x_neck_300e_coco 32 640x640 W e
kd_m_rtmdet_l_neck_300e_coco 32 640x640 W e
kd_s_rtmdet_m_neck_300e_coco 32 640x640 W e
kd_tiny_rtmdet_s_neck_300e_coco 32 640x640 W e
rtmdet-r_l_syncbn_fast_2xb4-36e_dota-ms 4 1024<1024 W e
rtmdet-r_l_syncbn_fast_2xb4-36e_dota 4 1024<1024 W e
rtmdet-r_l_syncbn_fast_2xb4-aug-100e_dota 4 1024x1024 W e
rtmdet-r_l_syncbn_fast_coco-pretrain_2xb4-36e_dota-ms 4 1024<1024 W e
rtmdet-r_m_syncbn_fast_2xb4-36e_dota-ms 4 1024<1024 W e
rtmdet-r_m_syncbn_fast_2xb4-36e_dota 4 1024<1024 W e
rtmdet-r_s_fast_1xb8-36e_dota-ms 8 1024<1024 W e
rtmdet-r_s_fast_1xb8-36e_dota 8 1024<1024 W e
rtmdet-r_tiny_fast_1xb8-36e_dota-ms 8 1024<1024 W e
rtmdet-r_tiny_fast_1xb8-36e_dota 8 1024<1024 W e
rtmdet-ins_s_syncbn_fast_8xb32-300e_coco 32 640x640 W e
rtmdet_l_syncbn_fast_8xb32-300e_coco 32 640x640 W e
rtmdet_m_syncbn_fast_8xb32-300e_coco 32 640x640 W e
rtmdet_s_syncbn_fast_8xb32-300e_coco 32 640x640 W e
rtmdet_tiny_fast_1xb12-40e_cat 12 640x640 W e
rtmdet_tiny_syncbn_fast_8xb32-300e_coco 32 640x640 W e
rtmdet_x_syncbn_fast_8xb32-300e_coco 32 640x640 W e
yolov5_s-v61_8xb16-300e_ignore_crowdhuman 16 640x640 - e
yolov5_s-v61_fast_8xb16-300e_crowdhuman 16 640x640 - e
yolov5_ins_l-v61_syncbn_fast_8xb16-300e_coco_instance 16 640x640 - e
yolov5_ins_m-v61_syncbn_fast_8xb16-300e_coco_instance 16 640x640 - e
yolov5_ins_n-v61_syncbn_fast_8xb16-300e_coco_instance 16 640x640 - e
yolov5_ins_s-v61_syncbn_fast_8xb16-300e_balloon_instance 4 640x640 - e
yolov5_ins_s-v61_syncbn_fast_8xb16-300e_coco_instance 16 640x640 - e
yolov5_ins_s-v61_syncbn_fast_non_overlap_8xb16-300e_coco_instance 16 640x640 - e
yolov5_ins_x-v61_syncbn_fast_8xb16-300e_coco_instance 16 640x640 - e
yolov5_l_mask-refine-v61_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5_m_mask-refine-v61_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5_n_mask-refine-v61_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5_s_mask-refine-v61_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5_x_mask-refine-v61_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5_l-v61_fast_1xb32-50e_voc 32 512x512 - e
yolov5_m-v61_fast_1xb64-50e_voc 64 512x512 - e
yolov5_n-v61_fast_1xb64-50e_voc 64 512x512 - e
yolov5_s-v61_fast_1xb64-50e_voc 64 512x512 - e
yolov5_x-v61_fast_1xb32-50e_voc 32 512x512 - e
yolov5_l-p6-v62_syncbn_fast_8xb16-300e_coco 16 1280x1280 - e
yolov5_l-v61_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5_m-p6-v62_syncbn_fast_8xb16-300e_coco 16 1280x1280 - e
yolov5_m-v61_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5_n-p6-v62_syncbn_fast_8xb16-300e_coco 16 1280x1280 - e
yolov5_n-v61_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5_s-p6-v62_syncbn_fast_8xb16-300e_coco 16 1280x1280 - e
yolov5_s-v61_fast_1xb12-40e_608x352_cat 12 640x640 - e
yolov5_s-v61_fast_1xb12-40e_cat 12 640x640 - e
yolov5_s-v61_fast_1xb12-ms-40e_cat 12 640x640 - e
yolov5_s-v61_syncbn-detect_8xb16-300e_coco 16 640x640 - e
yolov5_s-v61_syncbn_8xb16-300e_coco 16 640x640 - e
yolov5_s-v61_syncbn_fast_1xb4-300e_balloon 4 640x640 - e
yolov5_s-v61_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5_x-p6-v62_syncbn_fast_8xb16-300e_coco 16 1280x1280 - e
yolov5_x-v61_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5u_l_mask-refine_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5u_l_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5u_m_mask-refine_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5u_m_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5u_n_mask-refine_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5u_n_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5u_s_mask-refine_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5u_s_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5u_x_mask-refine_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov5u_x_syncbn_fast_8xb16-300e_coco 16 640x640 - e
yolov6_l_syncbn_fast_8xb32-300e_coco 32 640x640 - e
yolov6_m_syncbn_fast_8xb32-300e_coco 32 640x640 - e
yolov6_n_syncbn_fast_8xb32-300e_coco 32 640x640 - e
yolov6_n_syncbn_fast_8xb32-400e_coco 32 640x640 - e
yolov6_s_fast_1xb12-40e_cat 12 640x640 - e
yolov6_s_syncbn_fast_8xb32-300e_coco 32 640x640 - e
yolov6_s_syncbn_fast_8xb32-400e_coco 32 640x640 - e
yolov6_t_syncbn_fast_8xb32-300e_coco 32 640x640 - e
yolov6_t_syncbn_fast_8xb32-400e_coco 32 640x640 - e
yolov6_v3_l_syncbn_fast_8xb32-300e_coco 32 640x640 - e
yolov6_v3_m_syncbn_fast_8xb32-300e_coco 32 640x640 - e
yolov6_v3_n_syncbn_fast_8xb32-300e_coco 32 640x640 - e
yolov6_v3_s_syncbn_fast_8xb32-300e_coco 32 640x640 - e
yolov6_v3_t_syncbn_fast_8xb32-300e_coco 32 640x640 - e
yolov7_d-p6_syncbn_fast_8x16b-300e_coco 16 1280x1280 - e
yolov7_e-p6_syncbn_fast_8x16b-300e_coco 16 1280x1280 - e
yolov7_e2e-p6_syncbn_fast_8x16b-300e_coco 16 1280x1280 - e
yolov7_l_syncbn_fast_8x16b-300e_coco 16 640x640 - e
yolov7_tiny_fast_1xb12-40e_cat 12 640x640 - e
yolov7_tiny_syncbn_fast_8x16b-300e_coco 16 640x640 - e
yolov7_w-p6_syncbn_fast_8x16b-300e_coco 16 1280x1280 - e
yolov7_x_syncbn_fast_8x16b-300e_coco 16 640x640 - e
yolov8_l_mask-refine_syncbn_fast_8xb16-500e_coco 16 640x640 - e
yolov8_l_syncbn_fast_8xb16-500e_coco 16 640x640 - e
yolov8_m_mask-refine_syncbn_fast_8xb16-500e_coco 16 640x640 - e
yolov8_m_syncbn_fast_8xb16-500e_coco 16 640x640 - e
yolov8_n_mask-refine_syncbn_fast_8xb16-500e_coco 16 640x640 - e
yolov8_n_syncbn_fast_8xb16-500e_coco 16 640x640 - e
yolov8_s_fast_1xb12-40e_cat 12 640x640 - e
yolov8_s_mask-refine_syncbn_fast_8xb16-500e_coco 16 640x640 - e
yolov8_s_syncbn_fast_8xb16-500e_coco 16 640x640 - e
yolov8_x_mask-refine_syncbn_fast_8xb16-500e_coco 16 640x640 - e
yolov8_x_syncbn_fast_8xb16-500e_coco 16 640x640 - e
yolox-pose_l_8xb32-300e-rtmdet-hyp_coco 32 640x640 W e
yolox-pose_m_8xb32-300e-rtmdet-hyp_coco 32 640x640 W e
yolox-pose_s_8xb32-300e-rtmdet-hyp_coco 32 640x640 W e
yolox-pose_tiny_8xb32-300e-rtmdet-hyp_coco 32 640x640 W e
yolox_l_fast_8xb8-300e_coco 8 640x640 - e
yolox_m_fast_8xb32-300e-rtmdet-hyp_coco 32 640x640 W e
yolox_m_fast_8xb8-300e_coco 8 640x640 - e
yolox_nano_fast_8xb32-300e-rtmdet-hyp_coco 32 640x640 W e
yolox_nano_fast_8xb8-300e_coco 8 640x640 - e
yolox_s_fast_1xb12-40e-rtmdet-hyp_cat 12 640x640 W e
yolox_s_fast_8xb32-300e-rtmdet-hyp_coco 32 640x640 W e
yolox_s_fast_8xb8-300e_coco 8 640x640 - e
yolox_tiny_fast_8xb32-300e-rtmdet-hyp_coco 32 640x640 W e
yolox_tiny_fast_8xb8-300e_coco 8 640x640 - e
yolox_x_fast_8xb8-300e_coco 8 640x640 - e
`,
  detectron2: `
fast_rcnn_R_50_FPN_1x 16 640-800<1333
faster_rcnn_R_101_C4_3x 16 640-800<1333
faster_rcnn_R_101_DC5_3x 16 640-800<1333
faster_rcnn_R_101_FPN_3x 16 640-800<1333
faster_rcnn_R_50_C4_1x 16 640-800<1333
faster_rcnn_R_50_C4_3x 16 640-800<1333
faster_rcnn_R_50_DC5_1x 16 640-800<1333
faster_rcnn_R_50_DC5_3x 16 640-800<1333
faster_rcnn_R_50_FPN_1x 16 640-800<1333
faster_rcnn_R_50_FPN_3x 16 640-800<1333
faster_rcnn_X_101_32x8d_FPN_3x 16 640-800<1333
retinanet_R_101_FPN_3x 16 640-800<1333
retinanet_R_50_FPN_1x 16 640-800<1333
retinanet_R_50_FPN_3x 16 640-800<1333
rpn_R_50_C4_1x 16 640-800<1333
rpn_R_50_FPN_1x 16 640-800<1333
mask_rcnn_R_101_C4_3x 16 640-800<1333
mask_rcnn_R_101_DC5_3x 16 640-800<1333
mask_rcnn_R_101_FPN_3x 16 640-800<1333
mask_rcnn_R_50_C4_1x 16 640-800<1333
mask_rcnn_R_50_C4_3x 16 640-800<1333
mask_rcnn_R_50_DC5_1x 16 640-800<1333
mask_rcnn_R_50_DC5_3x 16 640-800<1333
mask_rcnn_R_50_FPN_1x 16 640-800<1333
mask_rcnn_R_50_FPN_1x_giou 16 640-800<1333
mask_rcnn_R_50_FPN_3x 16 640-800<1333
mask_rcnn_X_101_32x8d_FPN_3x 16 640-800<1333
keypoint_rcnn_R_101_FPN_3x 16 640-800<1333
keypoint_rcnn_R_50_FPN_1x 16 640-800<1333
keypoint_rcnn_R_50_FPN_3x 16 640-800<1333
keypoint_rcnn_X_101_32x8d_FPN_3x 16 640-800<1333
panoptic_fpn_R_101_3x 16 640-800<1333
panoptic_fpn_R_50_1x 16 640-800<1333
panoptic_fpn_R_50_3x 16 640-800<1333
mask_rcnn_R_50_FPN 8 800-1024<2048
faster_rcnn_R_50_FPN_noaug_1x 16 800<1333
mask_rcnn_R_50_FPN_noaug_1x 16 800<1333
mask_rcnn_R_101_FPN_1x 16 640-800<1333
mask_rcnn_X_101_32x8d_FPN_1x 16 640-800<1333
cascade_mask_rcnn_R_50_FPN_1x 16 640-800<1333
cascade_mask_rcnn_R_50_FPN_3x 16 640-800<1333
cascade_mask_rcnn_X_152_32x8d_FPN_IN5k_gn_dconv 128 640-864<1440
mask_rcnn_R_50_FPN_1x_cls_agnostic 16 640-800<1333
mask_rcnn_R_50_FPN_1x_dconv_c3-c5 16 640-800<1333
mask_rcnn_R_50_FPN_3x_dconv_c3-c5 16 640-800<1333
mask_rcnn_R_50_FPN_3x_gn 16 640-800<1333
mask_rcnn_R_50_FPN_3x_syncbn 16 640-800<1333
panoptic_fpn_R_101_dconv_cascade_gn_3x 32 640-800<1333
scratch_mask_rcnn_R_50_FPN_3x_gn 16 640-800<1333
scratch_mask_rcnn_R_50_FPN_9x_gn 64 640-800<1333
scratch_mask_rcnn_R_50_FPN_9x_syncbn 64 640-800<1333
semantic_R_50_FPN_1x 16 640-800<1333
faster_rcnn_R_50_C4 16 480-800<1333
faster_rcnn_R_50_FPN 16 480-800<1333
`,
};
