// Verifies one webhook as a merchant would: reads {secret, headers, body} from standard input, prints the event or why it is refused.
import { text } from 'node:stream/consumers';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';

const { secret, headers, body } = JSON.parse(await text(process.stdin));
try {
  console.log(JSON.stringify({ verified: new Webhook(secret).verify(body, headers) }));
} catch (error) {
  if (!(error instanceof WebhookVerificationError)) throw error;
  console.log(JSON.stringify({ refused: error.message }));
}
