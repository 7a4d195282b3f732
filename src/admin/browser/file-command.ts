import { type ActionProperties, Box, Button, createElement, type Element, page, Text, useSession } from './window.ts';

/** A command whose outcome is a file: a form that the browser sends by itself, so that it saves what comes. */
export function FileCommand({ action, resource, record }: ActionProperties): Element {
  const { formToken } = useSession();
  const { translateMessage, translateAction } = page.AdminJS.useTranslation();
  const path = `/admin/files/${resource.id}/${encodeURIComponent(record?.id ?? '')}/${action.name}`;
  return createElement(
    Box,
    { variant: 'container', bg: 'white', p: 'xxl', maxWidth: 720, 'data-command': action.name },
    createElement(Text, { mb: 'xl' }, translateMessage(action.custom.explanation)),
    createElement(
      'form',
      { method: 'post', action: path },
      createElement('input', { type: 'hidden', name: 'formToken', value: formToken }),
      createElement(Button, { type: 'submit', variant: 'contained' }, translateAction(action.name)),
    ),
  );
}
