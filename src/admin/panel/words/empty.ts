/** What a list without a row says: where its rows come from and what to do, in both languages. */

const none = { labels: {}, actions: {}, properties: {} };

const en = {
  ...none,
  messages: {
    empty_accounts:
      'No account is here, or none fits the filter. A new one: npm run account -- create. An owner is found by e-mail above.',
    empty_keys:
      'No key is here, or none fits the filter. A new one: npm run key -- issue --account <id>; it is shown once.',
    empty_requests:
      'No request is here, or none fits the filter. Requests come by POST /v1/chat/completions. Without an account, a key, an id or a time only the newest 10 000 are searched.',
    empty_deliveries:
      'Nothing was sent, or nothing fits the filter. Deliveries come from requests with X-Callback-Url, or by a key with an address. Without an account, a request, an id or a time only the newest 10 000 are searched.',
    empty_ledger:
      'No money has moved, or nothing fits the filter. Without an account only the newest 10 000 entries are searched.',
    empty_alerts:
      'Nothing differs, or nothing fits the filter. The workers compare all accounts with the ledger all the time; when they were last through stands on the overview.',
    empty_adjustments:
      'Nothing was proposed, or nothing fits the filter. Open an account and propose an adjustment, or a request or ticket and propose a refund; a second person approves it here.',
    empty_prices:
      'No model has a price, or none fits the filter. Without a price a model is not sold. Finance proposes one, an admin approves it.',
    empty_proposals: 'No price is proposed, or none fits the filter. Finance proposes one here, an admin approves it.',
    empty_models:
      'No model is here, or none fits the filter. The first come from config/models.json when the product is first started; create others above.',
    empty_providers:
      'No provider is here, or none fits the filter. The first come from config/models.json when the product is first started; an admin creates others above.',
    empty_routes: 'No model has a route, or none fits the filter. Routes are added on the page of their model.',
    empty_failedJobs: 'No job has failed, or none fits the filter. There is nothing to do.',
    empty_suspensionRequests:
      'No suspension was asked for, or none fits the filter. Support asks for it on the page of an account; finance or an admin decides here.',
    empty_tickets:
      'Nobody has written, or no ticket fits the filter. Customers write by POST /v1/tickets; for those who come by another way, open a ticket above.',
    empty_contentGrants:
      'Nobody has seen content, or no access fits the filter. Access begins in a ticket that names a request.',
    empty_announcements:
      'Nothing was announced, or nothing fits the filter. Write a draft above; it is shown when it is published.',
    empty_privacyRequests:
      'Nobody has asked, or no request fits the filter. Account owners ask by the API; what came by letter is filed above, with the day on which it came.',
    empty_incidents:
      'Nothing has happened, or nothing fits the filter. Whoever sees personal data where they should not be enters it above at once: the first notice is due within 24 hours.',
    empty_incidentAccounts:
      'No account is concerned, or none fits the filter. Accounts are linked on an incident’s page.',
    empty_audit:
      'Nothing fits the filter. Without an id, a member, an action, a target or a time only the newest 10 000 entries are searched.',
  },
};

const ru: typeof en = {
  ...none,
  messages: {
    empty_accounts:
      'Аккаунтов нет, или ни один не подходит под фильтр. Новый: npm run account -- create. Владельца по адресу почты ищут кнопкой выше.',
    empty_keys:
      'Ключей нет, или ни один не подходит под фильтр. Новый: npm run key -- issue --account <ид.>; он будет показан один раз.',
    empty_requests:
      'Запросов нет, или ни один не подходит под фильтр. Запросы приходят через POST /v1/chat/completions. Без аккаунта, ключа, идентификатора или времени ищется среди последних 10 000.',
    empty_deliveries:
      'Ничего не отправлялось, или ничто не подходит под фильтр. Доставки появляются от запросов с X-Callback-Url или с ключом, у которого есть адрес. Без аккаунта, запроса, идентификатора или времени ищется среди последних 10 000.',
    empty_ledger:
      'Деньги не двигались, или ничто не подходит под фильтр. Без аккаунта ищется среди последних 10 000 записей.',
    empty_alerts:
      'Всё сходится, или ничто не подходит под фильтр. Воркеры постоянно сверяют аккаунты с журналом; когда закончили в последний раз — на обзоре.',
    empty_adjustments:
      'Ничего не предложено, или ничто не подходит под фильтр. Откройте аккаунт и предложите корректировку, либо запрос или обращение — и возврат; одобрит здесь второй человек.',
    empty_prices:
      'Цен нет, или ни одна не подходит под фильтр. Без цены модель не продаётся. Предлагают финансы, одобряет администратор.',
    empty_proposals:
      'Предложений цен нет, или ни одно не подходит под фильтр. Предлагают здесь финансы, одобряет администратор.',
    empty_models:
      'Моделей нет, или ни одна не подходит под фильтр. Первые загружаются из config/models.json при первом запуске; другие создайте кнопкой выше.',
    empty_providers:
      'Провайдеров нет, или ни один не подходит под фильтр. Первые загружаются из config/models.json при первом запуске; других создаёт администратор кнопкой выше.',
    empty_routes: 'Маршрутов нет, или ни один не подходит под фильтр. Маршрут добавляют на странице его модели.',
    empty_failedJobs: 'Неудавшихся заданий нет, или ни одно не подходит под фильтр. Делать ничего не нужно.',
    empty_suspensionRequests:
      'О приостановках не просили, или ни одна не подходит под фильтр. Поддержка просит о ней на странице аккаунта; решают здесь финансы или администратор.',
    empty_tickets:
      'Никто не писал, или ни одно обращение не подходит под фильтр. Клиенты пишут через POST /v1/tickets; за обратившихся иначе заведите обращение кнопкой выше.',
    empty_contentGrants:
      'Содержимое никто не смотрел, или ничто не подходит под фильтр. Доступ открывают из обращения, в котором назван запрос.',
    empty_announcements:
      'Объявлений нет, или ни одно не подходит под фильтр. Напишите черновик кнопкой выше; покажется он после публикации.',
    empty_privacyRequests:
      'Обращений субъектов нет, или ни одно не подходит под фильтр. Владельцы аккаунтов подают их через API; пришедшее письмом внесите кнопкой выше, указав день получения.',
    empty_incidents:
      'Ничего не случилось, или ничто не подходит под фильтр. Кто увидел персональные данные там, где их быть не должно, вносит это кнопкой выше сразу: первое уведомление — в течение 24 часов.',
    empty_incidentAccounts:
      'Затронутых аккаунтов нет, или ни один не подходит под фильтр. Аккаунты связывают на странице инцидента.',
    empty_audit:
      'Под фильтр ничто не подходит. Без номера, сотрудника, действия, предмета или времени ищется среди последних 10 000 записей.',
  },
};

export const EMPTY_WORDS = { en, ru };
