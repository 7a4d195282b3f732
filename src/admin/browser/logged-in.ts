import { Box, CurrentUserNav, createElement, type Element, page, useSession } from './window.ts';
import { zoneText } from './written.ts';

/** Who is signed in, in which role, in which zone the page's moments are, and the way out. */
export function LoggedIn(): Element {
  const { email, role } = useSession();
  const { translateLabel, translateButton, i18n } = page.AdminJS.useTranslation();
  const signOut = (event: { preventDefault(): void }) => {
    event.preventDefault();
    page.location.assign(`/sign-out?lang=${i18n.language}`);
  };
  return createElement(
    Box,
    { flexShrink: 0, 'data-css': 'logged-in' },
    createElement(CurrentUserNav, {
      name: email,
      title: `${translateLabel(`role.${role}`)} · ${zoneText(Date.now())}`,
      dropActions: [{ label: translateButton('logout'), onClick: signOut, icon: 'LogOut' }],
    }),
  );
}
