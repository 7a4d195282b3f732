/** Words of tickets, in both languages. */

const en = {
  labels: {
    tickets: 'Tickets',
    ticketState: { open: 'awaits us', answered: 'awaits the customer', resolved: 'resolved' },
    clock: { overdue: 'overdue', due: 'running', stopped: 'stopped' },
    priority: { normal: 'normal', high: 'high', urgent: 'urgent' },
    contentConsent: { yes: 'yes', no: 'no' },
  },
  actions: {
    openTicket: 'Open a ticket',
    assign: 'Assign',
    reply: 'Reply',
    note: 'Internal note',
    refundTicket: 'Propose refund',
    resolve: 'Resolve',
  },
  properties: {
    ticketState: 'State',
    clock: 'Time for an answer',
    priority: 'Priority',
    assignee: 'Assigned to',
    subject: 'Subject',
    text: 'Text',
    conversation: 'Conversation',
    contentConsent: 'The owner lets us see the request’s content',
    adjustmentIds: 'Refunds from here',
    dueAt: 'Answer due',
    firstReplyAt: 'First answer',
    updatedAt: 'Last change',
    closedAt: 'Ended',
  },
  messages: {
    explain_openTicket: 'For a customer who came by another way. The customer sees the ticket and may answer in it.',
    explain_assign: 'Left empty, the ticket becomes yours; a colleague is named by the id.',
    explain_reply: 'The customer sees it. The clock stops until the customer writes again.',
    explain_note: 'Only staff see it, but the customer gets it with a request for all data. The clock goes on.',
    explain_refundTicket:
      'Gives back what was paid for the request of this ticket, or a part of it. Somebody else has to approve.',
    explain_resolve: 'The clock ends. The customer opens the ticket again by writing into it.',
    ticketsOverdue: 'Tickets without an answer in time',
  },
};

const ru: typeof en = {
  labels: {
    tickets: 'Обращения',
    ticketState: { open: 'ждёт нас', answered: 'ждёт клиента', resolved: 'решено' },
    clock: { overdue: 'просрочено', due: 'идёт', stopped: 'остановлено' },
    priority: { normal: 'обычное', high: 'важное', urgent: 'срочное' },
    contentConsent: { yes: 'да', no: 'нет' },
  },
  actions: {
    openTicket: 'Завести обращение',
    assign: 'Назначить',
    reply: 'Ответить',
    note: 'Внутренняя заметка',
    refundTicket: 'Предложить возврат',
    resolve: 'Решено',
  },
  properties: {
    ticketState: 'Состояние',
    clock: 'Время на ответ',
    priority: 'Важность',
    assignee: 'Кто ведёт',
    subject: 'Тема',
    text: 'Текст',
    conversation: 'Переписка',
    contentConsent: 'Владелец разрешил видеть содержимое запроса',
    adjustmentIds: 'Возвраты отсюда',
    dueAt: 'Ответить до',
    firstReplyAt: 'Первый ответ',
    updatedAt: 'Последнее изменение',
    closedAt: 'Завершено',
  },
  messages: {
    explain_openTicket: 'Для клиента, который обратился иначе. Клиент увидит обращение и сможет в нём ответить.',
    explain_assign: 'Если оставить пустым, обращение станет вашим; коллега указывается идентификатором.',
    explain_reply: 'Клиент это увидит. Время остановится, пока клиент не напишет снова.',
    explain_note: 'Видят только сотрудники, но клиент получит её, запросив все свои данные. Время идёт дальше.',
    explain_refundTicket: 'Вернёт уплаченное за запрос из этого обращения или часть. Одобрить должен другой человек.',
    explain_resolve: 'Время закончится. Клиент откроет обращение снова, если напишет в него.',
    ticketsOverdue: 'Обращений без ответа в срок',
  },
};

export const SUPPORT_WORDS = { en, ru };
