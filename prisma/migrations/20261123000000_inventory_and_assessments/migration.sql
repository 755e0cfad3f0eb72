-- CreateTable
CREATE TABLE "nodes" (
    "name" TEXT NOT NULL,
    "labels" JSONB NOT NULL,
    "taints" JSONB NOT NULL,
    "unschedulable" BOOLEAN NOT NULL,
    "ready" BOOLEAN NOT NULL,
    "allocatable" JSONB NOT NULL,
    "requested" JSONB NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "nodes_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "devices" (
    "id" SERIAL NOT NULL,
    "uuid" TEXT NOT NULL,
    "gpu_instance" TEXT NOT NULL,
    "vendor" TEXT NOT NULL,
    "node" TEXT,
    "index" INTEGER NOT NULL,
    "model" TEXT NOT NULL,
    "mig_profile" TEXT,
    "driver_version" TEXT,
    "capacity_bytes" BIGINT NOT NULL,
    "capacity_source" TEXT NOT NULL,
    "capacity_note" TEXT NOT NULL,
    "capacity_since" TIMESTAMPTZ(3) NOT NULL,
    "used_bytes" BIGINT,
    "pods" TEXT[],
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "devices_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sample_windows" (
    "device_id" INTEGER NOT NULL,
    "start_at" TIMESTAMPTZ(3) NOT NULL,
    "seconds" INTEGER NOT NULL,
    "capacity_bytes" BIGINT NOT NULL,
    "used_min_bytes" BIGINT,
    "used_max_bytes" BIGINT,
    "samples" INTEGER NOT NULL,

    CONSTRAINT "sample_windows_pkey" PRIMARY KEY ("device_id","start_at")
);

-- CreateTable
CREATE TABLE "assessments" (
    "id" TEXT NOT NULL,
    "api_version" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "namespace" TEXT,
    "name" TEXT,
    "uid" TEXT,
    "verdict" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "device_classes" TEXT[],
    "body" JSONB NOT NULL,
    "first_at" TIMESTAMPTZ(3) NOT NULL,
    "assessed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "assessments_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "devices_node_idx" ON "devices"("node");

-- CreateIndex
CREATE UNIQUE INDEX "devices_uuid_gpu_instance_key" ON "devices"("uuid", "gpu_instance");

-- CreateIndex
CREATE INDEX "sample_windows_start_at_idx" ON "sample_windows"("start_at");

-- CreateIndex
CREATE INDEX "assessments_assessed_at_id_idx" ON "assessments"("assessed_at" DESC, "id");

-- CreateIndex
CREATE INDEX "assessments_namespace_assessed_at_id_idx" ON "assessments"("namespace", "assessed_at" DESC, "id");

-- CreateIndex
CREATE INDEX "assessments_verdict_assessed_at_id_idx" ON "assessments"("verdict", "assessed_at" DESC, "id");

-- CreateIndex
CREATE INDEX "assessments_kind_assessed_at_id_idx" ON "assessments"("kind", "assessed_at" DESC, "id");

-- CreateIndex
CREATE INDEX "assessments_namespace_kind_name_idx" ON "assessments"("namespace", "kind", "name");

-- CreateIndex
CREATE INDEX "assessments_device_classes_idx" ON "assessments" USING GIN ("device_classes");

-- AddForeignKey
ALTER TABLE "sample_windows" ADD CONSTRAINT "sample_windows_device_id_fkey" FOREIGN KEY ("device_id") REFERENCES "devices"("id") ON DELETE CASCADE ON UPDATE CASCADE;

