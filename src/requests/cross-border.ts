import type { CatalogueModel, ResolvedRoute } from './catalogue.ts';

/** Which routes a request may take when its account lets nothing go abroad. */

const HOME_COUNTRY = 'RU';

/** The routes that are open to an account, in their order; none for a model that is served abroad only. */
export function openRoutes({ routes }: Pick<CatalogueModel, 'routes'>, isDomesticOnly: boolean): ResolvedRoute[] {
  return isDomesticOnly ? routes.filter(({ country }) => country === HOME_COUNTRY) : routes;
}
