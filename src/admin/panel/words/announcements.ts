/** Words of announcements, in both languages. */

const en = {
  labels: {
    announcements: 'Announcements',
    announcementState: { draft: 'draft', published: 'shown', ended: 'ended' },
    audience: { everybody: 'everybody', owners: 'account owners', staff: 'staff' },
  },
  actions: { draft: 'New draft', publish: 'Publish', endAnnouncement: 'End' },
  properties: {
    announcementState: 'State',
    audience: 'For whom',
    titleRu: 'Title in Russian',
    titleEn: 'Title in English',
    textRu: 'Text in Russian',
    textEn: 'Text in English',
    publishedAt: 'Published',
    endsAt: 'Ends by itself',
    draftedBy: 'Written by',
    publishedBy: 'Published by',
    endedBy: 'Ended by',
    endedAt: 'Ended',
  },
  messages: {
    explain_draft: 'Nobody is shown a draft. Account owners get published ones by the API, staff on the overview.',
    explain_publish: 'It is shown at once, to the end you give or until somebody ends it.',
    explain_endAnnouncement: 'It is not shown any more. A draft is thrown away.',
  },
};

const ru: typeof en = {
  labels: {
    announcements: 'Объявления',
    announcementState: { draft: 'черновик', published: 'показывается', ended: 'завершено' },
    audience: { everybody: 'всем', owners: 'владельцам аккаунтов', staff: 'сотрудникам' },
  },
  actions: { draft: 'Новый черновик', publish: 'Опубликовать', endAnnouncement: 'Завершить' },
  properties: {
    announcementState: 'Состояние',
    audience: 'Для кого',
    titleRu: 'Заголовок по-русски',
    titleEn: 'Заголовок по-английски',
    textRu: 'Текст по-русски',
    textEn: 'Текст по-английски',
    publishedAt: 'Опубликовано',
    endsAt: 'Закончится само',
    draftedBy: 'Кто написал',
    publishedBy: 'Кто опубликовал',
    endedBy: 'Кто завершил',
    endedAt: 'Завершено',
  },
  messages: {
    explain_draft:
      'Черновик никому не показывается. Опубликованное владельцы аккаунтов получают через API, сотрудники видят на обзоре.',
    explain_publish: 'Показывается сразу, до указанного времени или пока кто-нибудь не завершит.',
    explain_endAnnouncement: 'Больше не показывается. Черновик выбрасывается.',
  },
};

export const ANNOUNCEMENT_WORDS = { en, ru };
