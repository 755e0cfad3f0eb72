-- CreateTable
CREATE TABLE "pod_observations" (
    "id" TEXT NOT NULL,
    "cluster" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "namespace" TEXT,
    "name" TEXT,
    "fingerprint" TEXT,
    "device_class" TEXT NOT NULL,
    "ending" TEXT,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "written_at" TIMESTAMPTZ(3) NOT NULL,
    "body" JSONB NOT NULL,

    CONSTRAINT "pod_observations_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "pod_observations_last_at_id_idx" ON "pod_observations"("last_at" DESC, "id");

-- CreateIndex
CREATE INDEX "pod_observations_written_at_idx" ON "pod_observations"("written_at");

-- CreateIndex
CREATE INDEX "pod_observations_fingerprint_idx" ON "pod_observations"("fingerprint");

-- CreateIndex
CREATE INDEX "pod_observations_namespace_kind_name_idx" ON "pod_observations"("namespace", "kind", "name");
