import type { NextFunction, Request, Response, Router } from 'express';
import { AppError } from '../../errors.ts';

type Layer = { match(path: string): boolean; route?: { methods: Record<string, boolean> } };

/** A known path with another method: 405 with `Allow`, so that a client sees its mistake instead of a 404. */
export function methodNotAllowed(router: Router) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const methods = (router.stack as unknown as Layer[])
      .filter((layer) => layer.route && layer.match(request.path))
      .flatMap((layer) => Object.keys(layer.route?.methods ?? {}).map((method) => method.toUpperCase()));
    if (methods.length === 0) {
      next();
      return;
    }
    response.setHeader('allow', [...new Set(methods)].join(', '));
    throw new AppError('method_not_allowed');
  };
}
