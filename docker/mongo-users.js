/* Run once by the image's entry point, on an empty data folder: the product's own user, for its own two databases only: the data, and the keys to it. */
const { readFileSync } = require('node:fs');

db.getSiblingDB('ocelotiq').createUser({
  user: 'ocelotiq',
  pwd: readFileSync('/run/secrets/mongo_app_password', 'utf8').trim(),
  roles: [
    { role: 'readWrite', db: 'ocelotiq' },
    { role: 'dbAdmin', db: 'ocelotiq' },
    { role: 'readWrite', db: 'ocelotiq_keys' },
  ],
});
