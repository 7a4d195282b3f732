import type { AppControllerRoute } from '@bull-board/api/typings/app';
import { ExpressAdapter } from '@bull-board/express';

/** Bull Board's own server without what we do ourselves (its page) and what nobody may do there (everything but reading). */
export class ReadingAdapter extends ExpressAdapter {
  constructor() {
    super();
    this.app.disable('x-powered-by');
    this.app.set('etag', false);
  }

  override setViewsPath(): this {
    return this;
  }

  override setEntryRoute(): this {
    return this;
  }

  /** An error's text is for the log, not for a browser. */
  override setErrorHandler(): this {
    return super.setErrorHandler(() => ({ status: 500, body: { error: 'ERRORS.INTERNAL_SERVER_ERROR' } }));
  }

  override setApiRoutes(routes: AppControllerRoute[]): this {
    super.setApiRoutes(routes.filter(({ method }) => method === 'get'));
    return this;
  }
}
