import type { Demo } from './demo.ts';
import { reachable, type Settings } from './settings.ts';

/** What a person reads once everything runs. */

function table(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, value]) => `  ${name.padEnd(15)} ${value}`).join('\n');
}

function address({ host, port }: { host: string; port: number }): string {
  return `http://${reachable(host)}:${port}`;
}

function keyText(key: string, webhookSecret: string): string {
  return [
    'Your API key. It is shown this once and stored nowhere, so keep it:',
    `\n    ${key}\n`,
    `The secret that signs its webhooks: ${webhookSecret}`,
  ].join('\n');
}

function snippets(baseUrl: string, key: string, model: string): string {
  return `Try it with curl:

    curl ${baseUrl}/chat/completions \\
      -H 'Authorization: Bearer ${key}' \\
      -H 'Content-Type: application/json' \\
      -d '{"model":"${model}","messages":[{"role":"user","content":"Hello"}]}'

with the OpenAI SDK for JavaScript (npm install openai):

    import OpenAI from 'openai';
    const client = new OpenAI({ baseURL: '${baseUrl}', apiKey: '${key}' });
    const stream = await client.chat.completions.create({
      model: '${model}', stream: true, messages: [{ role: 'user', content: 'Hello' }],
    });
    for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? '');

or for Python (pip install openai):

    from openai import OpenAI
    client = OpenAI(base_url="${baseUrl}", api_key="${key}")
    answer = client.chat.completions.create(model="${model}", messages=[{"role": "user", "content": "Hello"}])
    print(answer.choices[0].message.content)`;
}

/** Where everything is. */
export function describePlaces(settings: Settings, engines: { mongo: string; redis: string }): string {
  const { api, apiMetrics, workers, admin, sandbox } = settings.ports;
  const rows: [string, string][] = [
    ['API', `${address(api)}/v1`],
    ['Documentation', `${address(api)}/docs`],
    ['Metrics', `${address(apiMetrics)}/metrics (api), ${address(workers)}/metrics (workers)`],
    ['Back-office', `${address(admin)} (who may come in: npm run staff -- create --email <e-mail> --role admin)`],
  ];
  if (!settings.production) {
    rows.push(['Sandbox', `${address(sandbox)}/v1 (answers in place of real providers until their keys are set)`]);
  }
  rows.push(
    ['MongoDB', engines.mongo],
    ['Redis', engines.redis],
    ['Data', `${settings.dataDir} (kept between starts; delete it to begin again)`],
    ['Logs', `${settings.dataDir}/logs/<role>.log`],
  );
  return table(rows);
}

/** The demo account: the new key with ready examples, or what is left from earlier starts. */
export function describeDemo(settings: Settings, demo: Demo): string {
  const another = `npm run key -- issue --account ${demo.accountId}`;
  if (!demo.issued) {
    return [
      `Kept from earlier starts: the demo account ${demo.accountId} with ${demo.balanceRub} RUB.`,
      `Its key was shown on the first start and cannot be shown again. Issue another with: ${another}`,
    ].join('\n');
  }
  const { key, webhookSecret } = demo.issued;
  return [
    `The demo account ${demo.accountId} has ${demo.balanceRub} RUB.`,
    keyText(key, webhookSecret),
    '',
    snippets(`${address(settings.ports.api)}/v1`, key, demo.model),
    '',
    `Lost the key? It cannot be shown again. Issue another with: ${another}`,
  ].join('\n');
}
