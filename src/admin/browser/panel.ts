import { nameControls } from './accessible-names.ts';
import { AuditCheck, AuditExport } from './audit-tools.ts';
import { Cell } from './cell.ts';
import { CommandForm } from './command-form.ts';
import { Dashboard } from './dashboard.ts';
import { LoggedIn } from './logged-in.ts';
import { Record } from './record.ts';
import { page } from './window.ts';

/** Starts the panel with our components in it. */

Object.assign(page.AdminJS.UserComponents, {
  AuditCheck,
  AuditExport,
  Cell,
  CommandForm,
  Dashboard,
  LoggedIn,
  Record,
});
nameControls();
page.createRoot(page.document.getElementById('app')).render(page.AdminJS.Application);
