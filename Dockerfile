# The image of the service and the command line. Paths are relative to WORKDIR: test/chart/image.e2e-spec.ts runs these
# same steps in a folder and starts what comes out, where there is no container engine.
#   docker build -t plimsoll .
# For a build that can be repeated to the byte give the base image by digest: --build-arg NODE_IMAGE=node@sha256:…
ARG NODE_IMAGE=node:20.20-bookworm-slim

# What runs. No optional packages: they are the embedded Postgres, which an image does not start (set DATABASE_URL).
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts
# Sources of parsers that come compiled, engines for other databases, types and maps: more than half of the size.
RUN rm -rf node_modules/tree-sitter-*/src node_modules/tree-sitter-*/prebuilds node_modules/tree-sitter-*/node_modules \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
 && find node_modules/@prisma/client/runtime -type f \( -name '*cockroachdb*' -o -name '*mysql*' -o -name '*sqlite*' -o -name '*sqlserver*' \) -delete

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional --ignore-scripts
COPY prisma.config.mjs nest-cli.json tsconfig.json tsconfig.build.json ./
COPY prisma prisma
COPY src src
# The client needs no engine binary with a driver adapter; pointing at one stops Prisma from downloading it.
RUN PRISMA_SCHEMA_ENGINE_BINARY=/bin/true node node_modules/prisma/build/index.js generate \
 && node node_modules/@nestjs/cli/bin/nest.js build \
 && find dist -type f \( -name '*.map' -o -name '*.tsbuildinfo' \) -delete

FROM ${NODE_IMAGE}
WORKDIR /app
ENV NODE_ENV=production
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY catalog/models.json catalog/diffusion.json catalog/recurrent.json catalog/vision.json catalog/openmmlab.json catalog/detectron2.json catalog/ultralytics.json catalog/torchvision-detectors.json catalog/gpus.json catalog/
COPY catalog/graphs/ catalog/graphs/
COPY prisma prisma
COPY bin bin
COPY scripts/migrate.mjs scripts/
# Nothing below /app is written to. The chart runs it with this user and a read-only root.
USER 10001:10001
EXPOSE 8080 8443
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Answers leave little behind: a small young generation is emptied often, and keeps tens of megabytes from being taken. What
# little of it grows old is let go once it comes to a seventh of the heap, where V8 would wait for half as much again.
CMD ["node", "--max-semi-space-size=4", "--heap-growing-percent=15", "dist/main.js"]
