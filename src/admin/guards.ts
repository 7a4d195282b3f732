import { randomBytes } from 'node:crypto';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { AppError } from '../errors.ts';
import { isFormToken, visitorOf } from './visitor.ts';

/** What every request has to pass, and what every answer carries. */

const FORM_BYTES_MAX = 8 * 1024;
const FORM_FIELDS_MAX = 12;
const COMMAND_BYTES_MAX = 16 * 1024;
const UPLOADS_MAX = 4;
const UPLOAD_RETRY_MS = 5_000;
const NONCE_BYTES = 18;
const SAFE_METHODS = new Set(['GET', 'HEAD']);

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const nonces = new WeakMap<Response, string>();

/** The nonce that lets our own inline scripts of this answer run. */
export function nonceOf(response: Response): string {
  const nonce = nonces.get(response);
  if (nonce === undefined) throw new Error('no nonce: the middleware is missing');
  return nonce;
}

function policy(nonce: string, base: "'none'" | "'self'" = "'none'"): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    // The panel's styles are made in the browser.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    `base-uri ${base}`,
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Sets the headers of every answer. */
export function secureHeaders(isHttps: boolean): RequestHandler {
  return (_request, response, next) => {
    const nonce = randomBytes(NONCE_BYTES).toString('base64url');
    nonces.set(response, nonce);
    response.setHeaders(new Map(Object.entries(HEADERS)));
    response.setHeader('content-security-policy', policy(nonce));
    if (isHttps) response.setHeader('strict-transport-security', 'max-age=31536000; includeSubDomains');
    next();
  };
}

/** For a page whose scripts find their addresses by its `base`, which stays one of ours. */
export function allowOwnBase(response: Response): void {
  response.setHeader('content-security-policy', policy(nonceOf(response), "'self'"));
}

function isSameOrigin(request: Request): boolean {
  const site = request.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = request.get('origin');
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === request.get('host');
}

/** Refuses whatever may change something and does not come from a page of ours. Before any body is read. */
export function sameOriginOnly(request: Request, _response: Response, next: NextFunction): void {
  const isSafe = SAFE_METHODS.has(request.method);
  if (!isSafe && request.method !== 'POST') throw new AppError('method_not_allowed');
  if (!isSafe && !isSameOrigin(request)) throw new AppError('staff_forbidden', { internal: 'cross-site' });
  next();
}

function refuseOther(type: string): RequestHandler {
  return (request, _response, next) => {
    if (request.is(type) !== type) throw new AppError('unsupported_media_type', { message: 'Send a form of ours.' });
    next();
  };
}

/** Reads a small form, without files, and checks its token. */
export function readForm(): RequestHandler[] {
  const type = 'application/x-www-form-urlencoded';
  return [
    refuseOther(type),
    express.urlencoded({ extended: false, limit: FORM_BYTES_MAX, parameterLimit: FORM_FIELDS_MAX }),
    (request, _response, next) => {
      const body: unknown = request.body;
      const token = typeof body === 'object' && body !== null ? Reflect.get(body, 'formToken') : undefined;
      if (!isFormToken(token, visitorOf(request))) throw new AppError('staff_forbidden', { internal: 'form token' });
      next();
    },
  ];
}

/** One field of a form that was read. A field given twice counts as none. */
export function field(request: Request, name: string): string {
  const body: unknown = request.body;
  const value = typeof body === 'object' && body !== null && Object.hasOwn(body, name) ? Reflect.get(body, name) : '';
  return typeof value === 'string' ? value : '';
}

function wantToken(request: Request, _response: Response, next: NextFunction): void {
  if (!isFormToken(request.get('x-form-token'), visitorOf(request)))
    throw new AppError('staff_forbidden', { internal: 'form token' });
  next();
}

/** Checks the token in the header, then reads a small JSON body. Only behind the gate. */
export function readCommand(): RequestHandler[] {
  const type = 'application/json';
  return [wantToken, refuseOther(type), express.json({ limit: COMMAND_BYTES_MAX, strict: true, type })];
}

/**
 * Checks the token, then reads one file as it is into memory; nothing of it touches a disk. Only behind the gate, and only
 * for those who may give the command. A few at once: the process' memory is bounded by that.
 */
export function readUpload(bytesMax: number): RequestHandler[] {
  const type = 'application/octet-stream';
  let uploads = 0;
  const takeTurn = (_request: Request, response: Response, next: NextFunction): void => {
    if (uploads >= UPLOADS_MAX) throw new AppError('overloaded', { retryAfterMs: UPLOAD_RETRY_MS });
    uploads++;
    response.once('close', () => {
      uploads--;
    });
    next();
  };
  return [wantToken, refuseOther(type), takeTurn, express.raw({ limit: bytesMax, inflate: false, type })];
}
