import { html } from '../../html.ts';
import type { Language } from '../../language.ts';
import type { LinkState } from '../../privacy/archive-links.ts';

/** What a link to an archive of personal data shows. Looking at it changes nothing: only the button takes the file. */

const WORDS = {
  ru: {
    title: 'Ваши персональные данные',
    usable: 'Здесь лежит архив (ZIP) с ответом на ваш запрос о доступе и с вашими данными.',
    once: 'Ссылка действует один раз. Если скачивание оборвётся, попросите новую: тем же ключом через API или у оператора.',
    private: 'Скачивайте на своё устройство: в архиве есть тексты ваших запросов и контакты.',
    button: 'Скачать архив',
    used: 'Этой ссылкой уже воспользовались. Если это были не вы, сообщите оператору. Новую ссылку даёт API или оператор.',
    expired: 'Срок ссылки — семь дней — истёк. Подайте новый запрос о доступе.',
    unknown: 'Такой ссылки нет, или вместо неё выдана новая.',
  },
  en: {
    title: 'Your personal data',
    usable: 'Here is the archive (ZIP) with the answer to your request of access and with your data.',
    once: 'The link works once. If the download breaks off, ask for another one: with the same key by the API, or from the operator.',
    private: 'Download it to a device of your own: texts of your requests and contacts are in it.',
    button: 'Download the archive',
    used: 'This link was used. If it was not you, tell the operator. Another link comes from the API or the operator.',
    expired: 'The seven days of the link are over. File another request of access.',
    unknown: 'There is no such link, or another one was issued instead.',
  },
} as const;

export function archivePage(state: LinkState, path: string, language: Language) {
  const words = WORDS[language];
  const body =
    state === 'usable'
      ? html`<h1>${words.title}</h1>
<p>${words.usable}</p>
<p class="note">${words.once}</p>
<p>${words.private}</p>
<form method="post" action="${path}"><button type="submit">${words.button}</button></form>`
      : html`<h1>${words.title}</h1>
<p class="note">${words[state]}</p>`;
  return { title: words.title, body };
}
