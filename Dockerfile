# syntax=docker/dockerfile:1
# Warder as an image: Node, a few files of JavaScript and one native module, without
# npm or anything to build with. It runs as an ordinary user on a read-only file system;
# what it writes is below /data. Settings are WARDER_* variables, or flags behind `serve`.

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY packages/cli/package.json packages/cli/
COPY packages/core/package.json packages/core/
COPY packages/sdk/package.json packages/sdk/
COPY packages/server/package.json packages/server/
RUN npm ci --ignore-scripts
COPY packages packages
RUN npm run build --workspace=warder

# The packages that stay beside the built program, as the lockfile has them.
FROM node:24-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/cli/package.json packages/cli/
COPY packages/core/package.json packages/core/
COPY packages/sdk/package.json packages/sdk/
COPY packages/server/package.json packages/server/
RUN npm ci --ignore-scripts --omit=dev --omit=optional --workspace=warder \
  && rm -rf node_modules/warder node_modules/@warder node_modules/better-sqlite3/deps node_modules/better-sqlite3/src \
  && mkdir /empty

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Warder" \
  org.opencontainers.image.description="A self-hosted service that issues and verifies API keys" \
  org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=modules /app/node_modules node_modules
COPY --from=build /src/packages/cli/package.json /src/LICENSE ./
COPY --from=build /src/packages/cli/dist dist
COPY --from=modules --chown=65532:65532 /empty /data
ENV NODE_ENV=production \
  WARDER_DATA=/data \
  WARDER_LISTEN=0.0.0.0:7700 \
  WARDER_OPS_LISTEN=0.0.0.0:7701
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
VOLUME /data
EXPOSE 7700 7701
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["/usr/local/bin/node", "-e", "fetch('http://127.0.0.1:' + process.env.WARDER_OPS_LISTEN.split(':').pop() + '/readyz').then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/local/bin/node", "/app/dist/main.js"]
CMD ["serve"]
