/** Words of the answer to a request of access (152-FZ art. 14(7)), in both languages. */

export const ACCESS_WORDS = {
  ru: {
    title: 'Ответ на запрос о доступе к персональным данным',
    request: 'Обращение',
    account: 'Учётная запись',
    received: 'Получено',
    made: 'Ответ составлен',
    fact: 'Подтверждение обработки',
    factText:
      'Подтверждаем: персональные данные, связанные с этой учётной записью, обрабатываются. Сами данные лежат в этом архиве: для чтения — в файле data.ru.html, полностью и для машинной обработки — в папке data (JSON).',
    operator: 'Оператор',
    address: 'Адрес',
    inn: 'ИНН',
    email: 'Почта для обращений',
    grounds: 'Что обрабатывается, с какой целью, на каком основании и как долго',
    groundsHead: ['Данные', 'Цель', 'Основание', 'Срок хранения'],
    methods: 'Способы обработки',
    methodsText:
      'Обработка автоматизированная: сбор, запись, хранение, использование, передача поставщикам моделей, обезличивание и уничтожение. Решений с юридическими последствиями только на основании автоматизированной обработки не принимается.',
    sources: 'Источник данных',
    sourcesText:
      'Данные получены от вас: с запросами через API, из обращений и писем, из настроек учётной записи; сведения об использовании и движения по балансу созданы сервисом при исполнении договора. У третьих лиц данные не собираются.',
    recipients: 'Кому передавались данные',
    recipientsText:
      'Тексты запросов передавались поставщикам моделей, которые вы выбрали. Номер учётной записи, ключи и контакты с ними не передавались.',
    recipientsHead: ['Поставщик', 'Страна', 'Передач', 'Первая', 'Последняя'],
    noRecipients: 'Никому не передавались.',
    access: 'Кто имеет доступ',
    accessText:
      'Сотрудники оператора по ролям; текст запроса сотрудник может прочесть только по вашему обращению в поддержку, с причиной и на короткое время, и вы видите это в обращении (раздел «кто видел содержимое запроса» в данных).',
    border: 'Трансграничная передача',
    borderDone: 'Осуществлялась в страны:',
    borderNone: 'Не осуществлялась.',
    borderPlanned:
      'Предполагается, когда вы обращаетесь к модели зарубежного поставщика; страна показана у каждой модели. Её можно запретить для всей учётной записи (PATCH /v1/account/privacy, domestic_only).',
    borderForbidden: 'Для этой учётной записи запрещена.',
    processors: 'Лица, обрабатывающие данные по поручению',
    noProcessors: 'Не привлекались.',
    rights: 'Ваши права и как ими воспользоваться',
    rightsText:
      'Обращение подаётся ключом с правом privacy (POST /v1/account/privacy-requests) или письмом оператору. Действия оператора можно обжаловать в Роскомнадзор или в суд; вы вправе требовать возмещения убытков и компенсации морального вреда.',
    rightsHead: ['Что можно потребовать', 'Норма', 'Срок'],
    measures: 'Как исполняются обязанности статьи 18.1',
    measuresText:
      'Опубликована политика обработки; назначены ответственные и роли с наименьшими правами; тексты зашифрованы отдельным ключом каждой учётной записи; действия сотрудников записываются в журнал с цепочкой хешей; данные уничтожаются по срокам с составлением акта; восстановление из резервных копий повторяет уничтожения.',
    withheld: 'Чего нет в архиве',
    withheldText:
      'Секретов, которыми можно действовать от вашего имени (хеши и секреты ключей, ключи шифрования, ссылки), и записей, которые говорят о других людях. Категории, переданные без содержимого:',
    notGiven: 'не указано',
    footer: 'Ответ по ч. 7 ст. 14 Федерального закона № 152-ФЗ',
  },
  en: {
    title: 'Answer to a request of access to personal data',
    request: 'Request',
    account: 'Account',
    received: 'Received',
    made: 'Answer made',
    fact: 'Whether data is processed',
    factText:
      'Yes: personal data connected with this account is processed. The data itself is in this archive: to read in data.en.html, complete and for machines in the folder data (JSON).',
    operator: 'Operator',
    address: 'Address',
    inn: 'INN',
    email: 'E-mail for requests',
    grounds: 'What is processed, for which purpose, on which basis and for how long',
    groundsHead: ['Data', 'Purpose', 'Basis', 'Term'],
    methods: 'How it is processed',
    methodsText:
      'By automated means: collected, recorded, stored, used, passed to providers of models, pseudonymised and destroyed. No decision with legal effect rests on automated processing alone.',
    sources: 'Where the data comes from',
    sourcesText:
      'From you: requests to the API, tickets and letters, settings of the account; usage records and movements of the balance are made by the service while it performs the contract. Nothing is collected from third parties.',
    recipients: 'Who has got data',
    recipientsText:
      'Texts of requests were passed to the providers of the models that you chose. The number of the account, keys and contacts were not passed with them.',
    recipientsHead: ['Provider', 'Country', 'Transfers', 'First', 'Last'],
    noRecipients: 'Nobody.',
    access: 'Who has access',
    accessText:
      'The operator’s staff by roles; the text of a request may be read only for the sake of your ticket, with a reason and for a short time, and you see that in the ticket (“who saw the content of a request” in the data).',
    border: 'Cross-border transfer',
    borderDone: 'Made to these countries:',
    borderNone: 'None was made.',
    borderPlanned:
      'Intended when you call a model of a foreign provider; the country is shown with each model. It can be forbidden for the whole account (PATCH /v1/account/privacy, domestic_only).',
    borderForbidden: 'Forbidden for this account.',
    processors: 'Who processes on our instruction',
    noProcessors: 'Nobody.',
    rights: 'Your rights and how to use them',
    rightsText:
      'File a request with a key that has the scope privacy (POST /v1/account/privacy-requests), or write a letter to the operator. You may complain to Roskomnadzor or to a court, and claim damages.',
    rightsHead: ['What can be asked for', 'Norm', 'Term'],
    measures: 'How the duties of article 18.1 are met',
    measuresText:
      'A policy is published; there are persons in charge, and roles with the least rights; texts are sealed under a key of each account; what staff do stands in a log with a chain of hashes; data is destroyed at the end of its term with an act; restoring a backup repeats destructions.',
    withheld: 'What is not in the archive',
    withheldText:
      'Secrets by which somebody could act in your name (hashes and secrets of keys, encryption keys, links), and rows that tell of other people. Categories given without their content:',
    notGiven: 'not stated',
    footer: 'Answer under 152-FZ art. 14(7)',
  },
} as const;
