import { extendZodWithOpenApi } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { TICKET_PRIORITIES, TICKET_STATES } from '../models/ticket.ts';
import { SUBJECT_CHARACTERS_MAX, TEXT_CHARACTERS_MAX } from '../support/tickets.ts';

extendZodWithOpenApi(z);

/** What owners of accounts send to support and get from it. */

const unixTime = z.number().int().openapi({ description: 'Seconds since the epoch' });
const text = z.string().trim().min(1).max(TEXT_CHARACTERS_MAX);

export const ticketOpening = z
  .strictObject({
    subject: z.string().trim().min(1).max(SUBJECT_CHARACTERS_MAX),
    text,
    request_id: z.string().max(64).optional().openapi({ description: 'A request of the account that it is about.' }),
    priority: z.enum(TICKET_PRIORITIES).optional().openapi({ description: 'How soon an answer is due.' }),
    allow_content_access: z
      .boolean()
      .optional()
      .openapi({ description: 'Support may see input and answer of this request, for a short time and on record.' }),
  })
  .openapi('TicketOpening');

export const ticketMessageWriting = z.strictObject({ text }).openapi('TicketMessageWriting');

const ticket = {
  id: z.string(),
  object: z.literal('ticket'),
  status: z.enum(TICKET_STATES),
  priority: z.enum(TICKET_PRIORITIES),
  subject: z.string(),
  request_id: z.string().nullable(),
  allow_content_access: z.boolean(),
  created_at: unixTime,
  updated_at: unixTime,
  answer_due_at: unixTime.nullable(),
};

export const ticketResponse = z
  .object({
    ...ticket,
    messages: z.array(
      z.object({
        at: unixTime,
        from: z.enum(['customer', 'support', 'system']).openapi({
          description: '`system` tells what was done with the account’s data, such as an access to content.',
        }),
        text: z.string(),
      }),
    ),
  })
  .openapi('Ticket');

export const ticketList = z
  .object({ object: z.literal('list'), data: z.array(z.object(ticket)) })
  .openapi('TicketList');

const inBothLanguages = z.object({ ru: z.string(), en: z.string() });

export const announcementList = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.object({
        id: z.string(),
        object: z.literal('announcement'),
        title: inBothLanguages,
        text: inBothLanguages,
        published_at: unixTime,
        ends_at: unixTime.nullable(),
      }),
    ),
  })
  .openapi('AnnouncementList');
