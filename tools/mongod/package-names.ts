/**
 * The Debian packages that the server, initdb and the extensions really load (about a third of the closure that apt computes).
 * When Debian moves on and a library is missing, `packages.ts` takes the whole closure instead.
 */
export const PACKAGE_WANTED = 'postgresql-18-documentdb';

export const PACKAGES_NEEDED: ReadonlySet<string> = new Set(
  `libaudit1 libbrotli1 libbson2-2 libc6 libcap-ng0 libcom-err2 libcurl4-gnutls libdeflate0 libffi8 libgcc-s1 libgeos-c1t64
  libgeos3.15.0 libgmp10 libgnutls30t64 libgssapi-krb5-2 libhogweed6t64 libicu78 libidn2-0 libjbig0 libjpeg62-turbo libjson-c5
  libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 libldap2 liblerc4 liblz4-1 liblzma5 libnettle8t64 libnghttp2-14
  libnghttp3-9 libngtcp2-16 libngtcp2-crypto-gnutls8 libnuma1 libp11-kit0 libpam0g libpcre2-8-0 libpq5 libproj25
  libprotobuf-c1 libpsl5t64 libreadline8t64 libsasl2-2 libsharpyuv0 libsqlite3-0 libssh2-1t64 libssl3t64 libstdc++6
  libsystemd0 libtasn1-6 libtiff6 libtinfo6 libunistring5 liburing2 libwebp7 libxml2-16 libxxhash0 libzstd1 postgresql-18
  postgresql-18-cron postgresql-18-documentdb postgresql-18-pgvector postgresql-18-postgis-3
  postgresql-18-postgis-3-scripts postgresql-18-rum postgresql-client-18 proj-data tzdata zlib1g`
    .split(/\s+/)
    .filter((name) => name !== ''),
);
