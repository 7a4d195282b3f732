import type { RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { errors, json, security } from './openapi-responses.ts';
import {
  announcementList,
  ticketList,
  ticketMessageWriting,
  ticketOpening,
  ticketResponse,
} from './support-schemas.ts';

/** Support, for the OpenAPI document. */

const ticketId = z.object({ ticketId: z.string().openapi({ example: 'tkt_01kb2v6m3x8p4q9r7t5w1y0z2a' }) });
const body = (schema: z.ZodType) => ({ body: { required: true, content: { 'application/json': { schema } } } });

export const SUPPORT_OPERATIONS: readonly RouteConfig[] = [
  {
    method: 'get',
    path: '/v1/announcements',
    summary: 'What account owners are told now, the newest first (at most 20)',
    security,
    responses: { 200: json(announcementList, 'In Russian and English'), ...errors(401, 403, 429) },
  },
  {
    method: 'post',
    path: '/v1/tickets',
    summary: 'Write to support (also when the account is suspended)',
    security,
    request: body(ticketOpening),
    responses: {
      201: json(ticketResponse, 'Opened; `Location` is where to ask for it'),
      ...errors(400, 401, 403, 404, 413, 415, 429),
    },
  },
  {
    method: 'get',
    path: '/v1/tickets',
    summary: 'The account’s tickets, the newest first (at most 100)',
    security,
    responses: { 200: json(ticketList, 'Tickets without their messages'), ...errors(401, 403, 429) },
  },
  {
    method: 'get',
    path: '/v1/tickets/{ticketId}',
    summary: 'A ticket with its conversation',
    security,
    request: { params: ticketId },
    responses: { 200: json(ticketResponse, 'The ticket'), ...errors(401, 403, 404, 429) },
  },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/messages',
    summary: 'Write into a ticket; one that was resolved is open again',
    security,
    request: { params: ticketId, ...body(ticketMessageWriting) },
    responses: {
      201: json(ticketResponse, 'The ticket as it is now'),
      ...errors(400, 401, 403, 404, 409, 413, 415, 429),
    },
  },
];
