/* The health check of MongoDB: makes the single-member replica set on the first call, healthy once it is writable. */
const { readFileSync } = require('node:fs');

const NOT_YET_INITIALIZED = 94;
const password = encodeURIComponent(readFileSync('/run/secrets/mongo_root_password', 'utf8').trim());
const admin = new Mongo(`mongodb://root:${password}@127.0.0.1:27017/admin?directConnection=true`).getDB('admin');

function isInitiated() {
  try {
    return admin.runCommand({ replSetGetStatus: 1 }).ok === 1;
  } catch (error) {
    if (error.code === NOT_YET_INITIALIZED) return false;
    throw error;
  }
}

if (!isInitiated()) {
  admin.runCommand({ replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host: 'mongo:27017' }] } });
}
quit(admin.runCommand({ hello: 1 }).isWritablePrimary ? 0 : 1);
