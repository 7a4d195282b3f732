# One image for every role; docker-compose.yml chooses the entry point. The last stage holds no npm, no compiler and no
# development packages.
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* \
      /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg \
 && groupadd --gid 10001 ocelotiq \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin ocelotiq \
 && install --directory --owner 10001 --group 10001 --mode 0700 /journal
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
COPY config ./config
COPY docker/healthcheck.mjs ./docker/
# The operator's commands (keys, accounts, staff, money, webhooks, privacy, backups) run from their sources by tsx.
COPY src ./src
COPY scripts/environment.ts scripts/operation.ts scripts/key.ts scripts/account.ts scripts/staff.ts scripts/adjust.ts scripts/reconcile.ts scripts/webhook.ts scripts/backup.ts scripts/restore.ts scripts/retention.ts scripts/privacy.ts scripts/keys.ts scripts/acts.ts scripts/queue.ts scripts/incident.ts ./scripts/
COPY scripts/privacy/command.ts scripts/privacy/papers.ts ./scripts/privacy/
USER 10001:10001
EXPOSE 8080
# The flags are those of scripts/node-flags.ts, where their reason stands.
CMD ["node", "--max-semi-space-size=32", "--initial-old-space-size=192", "--no-parallel-scavenge", "dist/api/main.js"]
