import type { Request } from 'express';
import type { TicketDocument, TicketMessage } from '../../models/ticket.ts';
import { openMessages, openSubject, type TicketCipher } from '../../support/ticket-texts.ts';
import { openTicketByOwner, ownTicket, ownTickets, writeToTicket } from '../../support/tickets.ts';
import { type ApiDependencies, type Handler, principalOf } from '../context.ts';
import { parseWith, readJson } from '../middleware/read-json.ts';
import { ticketMessageWriting, ticketOpening } from '../support-schemas.ts';

/** Tickets of support. They do not ask whether the account may spend: whoever is blocked may write as well. */

const BODY_BYTES_MAX = 32_768;
const FROM = { customer: 'customer', reply: 'support', system: 'system' } as const;

const unix = (date: Date) => Math.floor(date.getTime() / 1_000);

/** What its owner may know of a ticket; who works on it and their notes are not among it. */
async function head(ticket: TicketDocument, cipher: TicketCipher) {
  const { _id, state, priority, requestId, contentConsent, createdAt, updatedAt, dueAt } = ticket;
  return {
    id: _id,
    object: 'ticket',
    status: state,
    priority,
    subject: await openSubject(ticket, cipher),
    request_id: requestId ?? null,
    allow_content_access: contentConsent,
    created_at: unix(createdAt),
    updated_at: unix(updatedAt),
    answer_due_at: dueAt ? unix(dueAt) : null,
  };
}

function told({ at, kind, text }: TicketMessage & { text: string }) {
  return kind === 'note' ? [] : [{ at: unix(at), from: FROM[kind], text }];
}

async function present(ticket: TicketDocument, cipher: TicketCipher) {
  const messages = await openMessages(ticket, cipher);
  return { ...(await head(ticket, cipher)), messages: messages.flatMap(told) };
}

const idOf = (request: Request) => String(request.params.ticketId);

/** `POST /v1/tickets` */
export function openTicket({ cipher }: Pick<ApiDependencies, 'cipher'>): Handler {
  return async (request, response) => {
    const { accountId, keyId } = principalOf(request);
    const body = parseWith(ticketOpening, (await readJson(request, BODY_BYTES_MAX)).value);
    const { subject, text, priority, request_id: requestId, allow_content_access: contentConsent } = body;
    const opening = { accountId, by: keyId, subject, text, requestId, priority, contentConsent };
    const ticket = await openTicketByOwner(opening, cipher);
    response.status(201).setHeader('location', `/v1/tickets/${ticket._id}`);
    response.json(await present(ticket, cipher));
  };
}

/** `GET /v1/tickets` */
export function listTickets({ cipher }: Pick<ApiDependencies, 'cipher'>): Handler {
  return async (request, response) => {
    const tickets = await ownTickets(principalOf(request).accountId);
    response.json({ object: 'list', data: await Promise.all(tickets.map((ticket) => head(ticket, cipher))) });
  };
}

/** `GET /v1/tickets/{id}` */
export function showTicket({ cipher }: Pick<ApiDependencies, 'cipher'>): Handler {
  return async (request, response) => {
    response.json(await present(await ownTicket(principalOf(request).accountId, idOf(request)), cipher));
  };
}

/** `POST /v1/tickets/{id}/messages` */
export function writeTicketMessage({ cipher }: Pick<ApiDependencies, 'cipher'>): Handler {
  return async (request, response) => {
    const { accountId, keyId } = principalOf(request);
    const { text } = parseWith(ticketMessageWriting, (await readJson(request, BODY_BYTES_MAX)).value);
    const { _id } = await ownTicket(accountId, idOf(request));
    const ticket = await writeToTicket(_id, { kind: 'customer', by: keyId, text }, cipher);
    response.status(201).json(await present(ticket, cipher));
  };
}
