"""Networks of diffusers and transformers that are recorded, by their names: class, configuration, and what they are given.

Sizes are B (batch), H and W (pixels), T (frames of latents) and S (tokens of the prompt or text). `network` holds what is
usual where a run does not say: tokens and frames as the pipelines of diffusers have them by default, tokens of CLIP that
stand behind those of T5, frames behind one frame of latents, and whether half of the prediction is a variance."""


def floats(*shape):
    return ("weights", shape)


def whole(*shape):
    return ("int64", shape)


def single(*shape):
    return ("float32", shape)


def flags(*shape):
    return ("bool", shape)


def latents(channels, pixels=8):
    return lambda s: {"hidden_states": floats(s["B"], channels, s["H"] // pixels, s["W"] // pixels)}


def video(channels, pixels=8):
    return lambda s: {"hidden_states": floats(s["B"], channels, s["T"], s["H"] // pixels, s["W"] // pixels)}


def packed(channels, pixels=16):
    return lambda s: {"hidden_states": floats(s["B"], s["H"] // pixels * (s["W"] // pixels), channels)}


def tokens_of(s, pixels=16):
    return s["H"] // pixels * (s["W"] // pixels)


def prompt(width, name="encoder_hidden_states"):
    return lambda s: {name: floats(s["B"], s["S"], width)}


def both(*parts):
    return lambda s: {name: given for part in parts for name, given in part(s).items()}


def given(**makers):
    return lambda s: {name: make(s) for name, make in makers.items()}


STEP = given(timestep=lambda s: floats(s["B"]))
WHOLE_STEP = given(timestep=lambda s: whole(s["B"]))
SINGLE_STEP = given(timestep=lambda s: single(s["B"]))


def pooled(width):
    return given(pooled_projections=lambda s: floats(s["B"], width))


def masked(name="encoder_attention_mask", kind=whole):
    return {name: lambda s: kind(s["B"], s["S"])}


def flux(guidance):
    own = {"guidance": lambda s: single(s["B"])} if guidance else {}
    return both(packed(64), prompt(4096), pooled(768), STEP, given(
        img_ids=lambda s: floats(tokens_of(s), 3), txt_ids=lambda s: floats(s["S"], 3), **own))


def stable_diffusion_3(width=4096):
    return both(latents(16), prompt(width), pooled(2048), STEP)


CONDITIONS = {"resolution": lambda s: floats(s["B"], 2), "aspect_ratio": lambda s: floats(s["B"], 1)}

HUNYUAN = both(video(16), SINGLE_STEP, prompt(4096), given(**masked(kind=flags)), pooled(768), given(guidance=lambda s: floats(s["B"])))


def wan(channels=16):
    return both(video(channels), WHOLE_STEP, prompt(4096))


IDEOGRAM = both(
    given(hidden_states=lambda s: floats(s["B"], s["S"] + tokens_of(s), 128)), STEP,
    given(encoder_hidden_states=lambda s: floats(s["B"], s["S"] + tokens_of(s), 53248),
          position_ids=lambda s: whole(s["B"], s["S"] + tokens_of(s), 3),
          segment_ids=lambda s: whole(s["B"], s["S"] + tokens_of(s)), indicator=lambda s: whole(s["B"], s["S"] + tokens_of(s))))


def denoiser(name, cls, config, inputs, **more):
    return name, {"library": "diffusers", "class": cls, "config": config, "inputs": inputs, **more}


SD35_LARGE = {"num_layers": 38, "num_attention_heads": 38, "caption_projection_dim": 2432, "qk_norm": "rms_norm", "pos_embed_max_size": 192}
WAN_SMALL = {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30}

DENOISERS = dict([
    denoiser("FLUX.1-dev", "FluxTransformer2DModel", {"guidance_embeds": True}, flux(True), network={"prompt": 512}),
    denoiser("FLUX.1-schnell", "FluxTransformer2DModel", {}, flux(False), network={"prompt": 512}),
    denoiser("stable-diffusion-3-medium", "SD3Transformer2DModel", {"num_layers": 24, "num_attention_heads": 24, "caption_projection_dim": 1536, "pos_embed_max_size": 192}, stable_diffusion_3(), network={"prompt": 256, "promptBeside": 77}),
    denoiser("stable-diffusion-3.5-medium", "SD3Transformer2DModel", {"num_layers": 24, "num_attention_heads": 24, "caption_projection_dim": 1536, "pos_embed_max_size": 384, "qk_norm": "rms_norm", "dual_attention_layers": tuple(range(13))}, stable_diffusion_3(), network={"prompt": 256, "promptBeside": 77}),
    denoiser("stable-diffusion-3.5-large", "SD3Transformer2DModel", SD35_LARGE, stable_diffusion_3(), network={"prompt": 256, "promptBeside": 77}),
    denoiser("PixArt-XL-2-1024-MS", "PixArtTransformer2DModel", {"caption_channels": 4096, "use_additional_conditions": True, "interpolation_scale": 2}, both(latents(4), prompt(4096), WHOLE_STEP, given(**masked())), conditions=CONDITIONS, network={"prompt": 120, "predictsVariance": True}),
    denoiser("PixArt-Sigma-XL-2-1024-MS", "PixArtTransformer2DModel", {"caption_channels": 4096, "use_additional_conditions": False, "interpolation_scale": 2}, both(latents(4), prompt(4096), WHOLE_STEP, given(**masked())), network={"prompt": 300, "predictsVariance": True}),
    denoiser("DiT-XL-2", "DiTTransformer2DModel", {"out_channels": 8}, both(latents(4), WHOLE_STEP, given(class_labels=lambda s: whole(s["B"]))), square=True, size=256, network={"predictsVariance": True}),
    denoiser("HunyuanVideo", "HunyuanVideoTransformer3DModel", {}, HUNYUAN, network={"prompt": 256, "frames": 129, "framesEach": 4}),
    denoiser("Wan2.1-T2V-1.3B", "WanTransformer3DModel", WAN_SMALL, wan(), network={"prompt": 512, "frames": 81, "framesEach": 4}),
    denoiser("Wan2.1-T2V-14B", "WanTransformer3DModel", {}, wan(), network={"prompt": 512, "frames": 81, "framesEach": 4}),
    denoiser("Wan2.1-I2V-14B", "WanTransformer3DModel", {"in_channels": 36, "image_dim": 1280, "added_kv_proj_dim": 5120}, both(wan(36), given(encoder_hidden_states_image=lambda s: floats(s["B"], 257, 1280))), fixed={"S": 512}, network={"prompt": 512, "frames": 81, "framesEach": 4}),
    denoiser("Wan2.2-I2V-A14B", "WanTransformer3DModel", {"in_channels": 36}, wan(36), network={"prompt": 512, "frames": 81, "framesEach": 4}),
    denoiser("Wan2.2-TI2V-5B", "WanTransformer3DModel", {"in_channels": 48, "out_channels": 48, "num_attention_heads": 24, "ffn_dim": 14336, "num_layers": 30}, both(video(48, 16), WHOLE_STEP, prompt(4096)), network={"prompt": 512, "frames": 121, "framesEach": 4}),
    denoiser("Sana_1600M_1024px", "SanaTransformer2DModel", {}, both(latents(32, 32), prompt(2304), STEP, given(**masked())), network={"prompt": 300}),
    denoiser("Sana_600M_1024px", "SanaTransformer2DModel", {"num_attention_heads": 36, "num_layers": 28, "num_cross_attention_heads": 16, "cross_attention_head_dim": 72, "cross_attention_dim": 1152}, both(latents(32, 32), prompt(2304), STEP, given(**masked())), network={"prompt": 300}),
    denoiser("AuraFlow", "AuraFlowTransformer2DModel", {}, both(latents(4), prompt(2048), STEP), network={"prompt": 256}),
    denoiser("Qwen-Image", "QwenImageTransformer2DModel", {}, both(packed(64), prompt(3584), STEP, given(**masked("encoder_hidden_states_mask"))), arguments=lambda s: {"img_shapes": [[(1, s["H"] // 16, s["W"] // 16)]] * s["B"]}, network={"prompt": 512}),
    denoiser("mochi-1", "MochiTransformer3DModel", {}, both(video(12), prompt(4096), SINGLE_STEP, given(**masked(kind=flags))), fixed={"B": 1}, network={"prompt": 256, "frames": 19, "framesEach": 6}),
    denoiser("Chroma", "ChromaTransformer2DModel", {}, both(packed(64), prompt(4096), STEP, given(img_ids=lambda s: floats(tokens_of(s), 3), txt_ids=lambda s: floats(s["S"], 3))), network={"prompt": 512}),
    denoiser("CogView4-6B", "CogView4Transformer2DModel", {"num_layers": 28, "attention_head_dim": 128, "num_attention_heads": 32, "text_embed_dim": 4096}, both(latents(16), prompt(4096), WHOLE_STEP, given(original_size=lambda s: floats(s["B"], 2), target_size=lambda s: floats(s["B"], 2), crop_coords=lambda s: floats(s["B"], 2))), network={"prompt": 1024}),
    denoiser("Ideogram-4", "Ideogram4Transformer2DModel", {}, IDEOGRAM, network={"prompt": 2048}),
])


def sampled(model, arguments):
    """What trainers cache or train on: a sample of the latents' distribution."""
    return model.encode(arguments["pixels"]).latent_dist.sample()


def latent(model, arguments):
    return model.encode(arguments["pixels"]).latent


def image_encoder(name, cls, config, call=sampled):
    return name, {"library": "diffusers", "class": cls, "config": config, "call": call, "trains": False, "blocks": lambda model: [],
                  "inputs": given(pixels=lambda s: floats(s["B"], 3, s["H"], s["W"]))}


def video_encoder(name, cls, config, each, frames, **more):
    return name, {"library": "diffusers", "class": cls, "config": config, "call": sampled, "trains": False, "blocks": lambda model: [],
                  "inputs": given(pixels=lambda s: floats(s["B"], 3, (s["T"] - 1) * each + 1, s["H"], s["W"])), "network": {"frames": frames, "framesEach": each, **({"tilesFrames": True} if more else {})}, **more}


def first_result(model, arguments):
    """Decoders make no cache of keys and values for what they only read."""
    model.config.use_cache = False
    return model(**arguments)[0]


def text_encoder(name, cls, config_class, config, prompt, mask=False, call=first_result):
    def build(library):
        return getattr(library, cls)._from_config(getattr(library, config_class)(**config), attn_implementation="eager" if "T5" in cls else "sdpa")
    tokens = {"input_ids": lambda s: whole(s["B"], s["S"])}
    return name, {"library": "transformers", "class": cls, "config": config, "build": build, "call": call, "trains": False, "blocks": lambda model: [],
                  "inputs": given(**tokens, **(masked("attention_mask") if mask else {})), "network": {"prompt": prompt}}


KL = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4, "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2}
T5 = {"vocab_size": 32128, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64, "feed_forward_proj": "gated-gelu"}

ENCODERS = dict([
    image_encoder("vae-kl-4", "AutoencoderKL", {**KL, "latent_channels": 4}),
    image_encoder("vae-kl-16", "AutoencoderKL", {**KL, "latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False}),
    image_encoder("vae-flux2", "AutoencoderKLFlux2", {}),
    image_encoder("vae-dc-32", "AutoencoderDC", {"encoder_block_types": ("ResBlock",) * 3 + ("EfficientViTBlock",) * 3, "decoder_block_types": ("ResBlock",) * 3 + ("EfficientViTBlock",) * 3,
                  "encoder_block_out_channels": (128, 256, 512, 512, 1024, 1024), "decoder_block_out_channels": (128, 256, 512, 512, 1024, 1024), "encoder_layers_per_block": (2, 2, 2, 3, 3, 3),
                  "decoder_layers_per_block": (3, 3, 3, 3, 3, 3), "encoder_qkv_multiscales": ((), (), (), (5,), (5,), (5,)), "decoder_qkv_multiscales": ((), (), (), (5,), (5,), (5,)),
                  "downsample_block_type": "Conv", "upsample_block_type": "interpolate", "decoder_norm_types": "rms_norm", "decoder_act_fns": "silu", "latent_channels": 32}, latent),
    video_encoder("vae-ltx", "AutoencoderKLLTXVideo", {}, 8, 49),
    video_encoder("vae-hunyuan-video", "AutoencoderKLHunyuanVideo", {}, 4, 49, fixed={"T": 13}),
    text_encoder("clip-vit-l-text", "CLIPTextModel", "CLIPTextConfig", {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "vocab_size": 49408, "max_position_embeddings": 77}, 77),
    text_encoder("clip-vit-h-text", "CLIPTextModel", "CLIPTextConfig", {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16, "vocab_size": 49408, "max_position_embeddings": 77, "hidden_act": "gelu"}, 77),
    text_encoder("clip-vit-bigg-text", "CLIPTextModelWithProjection", "CLIPTextConfig", {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20, "vocab_size": 49408, "max_position_embeddings": 77, "projection_dim": 1280, "hidden_act": "gelu"}, 77),
    text_encoder("t5-xxl-encoder", "T5EncoderModel", "T5Config", T5, 512),
    text_encoder("umt5-xxl-encoder", "UMT5EncoderModel", "UMT5Config", {**T5, "vocab_size": 256384}, 512, mask=True),
    text_encoder("llama-3-8b-text", "LlamaModel", "LlamaConfig", {"num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128320}, 256),
    text_encoder("gemma-2-2b-text", "Gemma2Model", "Gemma2Config", {"num_hidden_layers": 26, "hidden_size": 2304, "intermediate_size": 9216, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 256000}, 300),
    text_encoder("qwen-2.5-7b-text", "Qwen2Model", "Qwen2Config", {"num_hidden_layers": 28, "hidden_size": 3584, "intermediate_size": 18944, "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064}, 512),
    text_encoder("qwen-3-4b-text", "Qwen3Model", "Qwen3Config", {"num_hidden_layers": 36, "hidden_size": 2560, "intermediate_size": 9728, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936}, 512),
    text_encoder("mistral-small-24b-text", "MistralModel", "MistralConfig", {"num_hidden_layers": 40, "hidden_size": 5120, "intermediate_size": 32768, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 131072, "sliding_window": None}, 512),
    text_encoder("pile-t5-xl-encoder", "UMT5EncoderModel", "UMT5Config", {**T5, "d_model": 2048, "d_ff": 5120, "num_heads": 32}, 256, mask=True),
    text_encoder("glm-4-9b-text", "GlmModel", "GlmConfig", {"num_hidden_layers": 40, "hidden_size": 4096, "intermediate_size": 13696, "num_attention_heads": 32, "num_key_value_heads": 2, "head_dim": 128, "vocab_size": 151552}, 1024),
])
NETWORKS = {**DENOISERS, **ENCODERS}
