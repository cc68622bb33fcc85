// Stripe's own Node library, unmodified, against the simulator: only host, port and protocol are set.
import Stripe from 'stripe';
import { receive } from './receiver.mjs';
import { run, thrownBy, until } from './scenarios.mjs';

const base = new URL(process.env.SIMULATOR_URL);
const stripe = new Stripe(process.env.STRIPE_KEY, { host: base.hostname, port: base.port, protocol: 'http' });
const card = { payment_method_types: ['card'], currency: 'usd' };

const settings = (change) => fetch(new URL('/settings', base), { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(change) });

async function challenge(intent, outcome) {
  const answer = await fetch(intent.next_action.redirect_to_url.url, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ outcome }) });
  return { status: answer.status, location: answer.headers.get('location') };
}

await run({
  async life() {
    const method = await stripe.paymentMethods.create({ type: 'card', card: { number: '4242424242424242', exp_month: 12, exp_year: 2034, cvc: '123' }, billing_details: { name: 'Ada' } });
    const customer = await stripe.customers.create({ email: 'ada@example.com', metadata: { ours: 'c1' } });
    const attached = await stripe.paymentMethods.attach(method.id, { customer: customer.id });
    const created = await stripe.paymentIntents.create({ ...card, amount: 5000, customer: customer.id, capture_method: 'manual', metadata: { attempt_id: 'att_1' }, description: 'two things' });
    const confirmed = await stripe.paymentIntents.confirm(created.id, { payment_method: method.id, expand: ['latest_charge'] });
    const captured = await stripe.paymentIntents.capture(created.id, { amount_to_capture: 3000 });
    const refund = await stripe.refunds.create({ payment_intent: created.id, amount: 1000, reason: 'requested_by_customer', metadata: { refund: 'r1' } });
    const rest = await stripe.refunds.create({ charge: confirmed.latest_charge.id });
    const tooMuch = await thrownBy(stripe.refunds.create({ payment_intent: created.id, amount: 1 }));
    const charge = await stripe.charges.retrieve(confirmed.latest_charge.id, { expand: ['balance_transaction', 'refunds'] });
    const again = await stripe.customers.retrieve(customer.id);
    return { method, attached, created, confirmed, captured, refund, rest, charge, customer: again, tooMuch: { type: tooMuch.type, code: tooMuch.code, status: tooMuch.statusCode }, request: created.lastResponse.requestId };
  },

  async cancel() {
    const held = await stripe.paymentIntents.create({ ...card, amount: 1234, capture_method: 'manual', payment_method: 'pm_card_visa', confirm: true });
    const canceled = await stripe.paymentIntents.cancel(held.id, { cancellation_reason: 'requested_by_customer' });
    const error = await thrownBy(stripe.paymentIntents.capture(held.id));
    return { held: held.status, canceled, error: { type: error.type, code: error.code, status: error.statusCode, intent: error.payment_intent.status } };
  },

  async declines() {
    const seen = {};
    for (const name of ['pm_card_chargeDeclined', 'pm_card_chargeDeclinedInsufficientFunds', 'pm_card_chargeDeclinedExpiredCard', 'pm_card_chargeDeclinedIncorrectCvc', 'pm_card_chargeDeclinedProcessingError', 'pm_card_radarBlock']) {
      const e = await thrownBy(stripe.paymentIntents.create({ ...card, amount: 2000, payment_method: name, confirm: true }));
      const intent = await stripe.paymentIntents.retrieve(e.payment_intent.id, { expand: ['latest_charge'] });
      seen[name] = { type: e.type, status: e.statusCode, code: e.code, decline: e.decline_code, intent: intent.status, last: intent.last_payment_error.code, charge: intent.latest_charge.status, outcome: intent.latest_charge.outcome.type, same: e.charge === intent.latest_charge.id };
    }

    return seen;
  },

  async idempotency() {
    const order = { ...card, amount: 700, payment_method: 'pm_card_mastercard', confirm: true };
    const key = `key-${process.pid}`;
    const first = await stripe.paymentIntents.create(order, { idempotencyKey: key });
    const replay = await stripe.paymentIntents.create(order, { idempotencyKey: key });
    const mismatch = await thrownBy(stripe.paymentIntents.create({ ...order, amount: 701 }, { idempotencyKey: key }));
    return { same: first.id === replay.id, replayed: replay.lastResponse.headers['idempotent-replayed'], mismatch: { type: mismatch.type, raw: mismatch.rawType, status: mismatch.statusCode } };
  },

  async challenge() {
    const ask = () => stripe.paymentIntents.create({ ...card, amount: 9900, payment_method: 'pm_card_authenticationRequired', confirm: true, return_url: 'https://shop.example/back?order=1' });
    const approved = await ask();
    const back = await challenge(approved, 'approve');
    const paid = await stripe.paymentIntents.retrieve(approved.id, { expand: ['latest_charge'] });
    const rejected = await ask();
    const backRejected = await challenge(rejected, 'reject');
    const failed = await stripe.paymentIntents.retrieve(rejected.id);
    const offSession = await thrownBy(stripe.paymentIntents.create({ ...card, amount: 9900, payment_method: 'pm_card_authenticationRequired', confirm: true, off_session: true }));
    return {
      status: approved.status, action: approved.next_action, back, paid: paid.status, threeDS: paid.latest_charge.payment_method_details.card.three_d_secure.result,
      backRejected, failed: failed.status, failure: failed.last_payment_error.code, offSession: { status: offSession.statusCode, code: offSession.code },
    };
  },

  async lists() {
    const customer = await stripe.customers.create({});
    const ids = [];
    for (let i = 0; i < 5; i++) ids.unshift((await stripe.paymentIntents.create({ ...card, amount: 1000 + i, customer: customer.id })).id);
    const walked = [];
    for await (const intent of stripe.paymentIntents.list({ customer: customer.id, limit: 2 })) walked.push(intent.id);
    const none = await stripe.paymentIntents.list({ customer: customer.id, created: { lt: 1000 } });
    const some = await stripe.paymentIntents.list({ customer: customer.id, created: { gte: 1000 }, limit: 100 });
    return { ids, walked, none: none.data.length, some: some.data.length };
  },

  async webhooks() {
    const endpoint = await receive();
    await settings({ stripe_webhook_url: endpoint.url });
    try {
      const held = await stripe.paymentIntents.create({ ...card, amount: 4500, capture_method: 'manual', payment_method: 'pm_card_visa', confirm: true });
      await stripe.paymentIntents.capture(held.id, { amount_to_capture: 4000 });
      await stripe.refunds.create({ payment_intent: held.id, amount: 500 });
      const wanted = ['payment_intent.amount_capturable_updated', 'charge.captured', 'payment_intent.succeeded', 'refund.created', 'charge.refunded'];
      const verify = ({ body, headers }) => stripe.webhooks.constructEvent(body, headers['stripe-signature'], process.env.STRIPE_WEBHOOK_SECRET);
      await until(() => wanted.every((type) => endpoint.received.some((r) => JSON.parse(r.body).type === type)), wanted.join());
      const events = endpoint.received.map(verify);
      const genuine = endpoint.received.find((r) => r.body.includes('4500')); // whichever came first: a refund does not tell the amount
      const forged = await thrownBy((async () => verify({ ...genuine, body: genuine.body.replace('4500', '4501') }))());
      const read = await stripe.events.retrieve(events[0].id);
      return { types: events.map((e) => e.type), amount: events.find((e) => e.type === 'payment_intent.succeeded').data.object.amount_received, forged: forged.type, read: read.id === events[0].id };
    } finally {
      await settings({ stripe_webhook_url: '' });
      await endpoint.close();
    }
  },

  async refusals() {
    const wrongKey = await thrownBy(new Stripe('sk_test_wrong', { host: base.hostname, port: base.port, protocol: 'http' }).paymentIntents.list());
    const missing = await thrownBy(stripe.paymentIntents.retrieve('pi_nothing'));
    const unknown = await thrownBy(stripe.paymentIntents.create({ ...card, amount: 100, colour: 'red' }));
    const luhn = await thrownBy(stripe.paymentMethods.create({ type: 'card', card: { number: '4242424242424241', exp_month: 1, exp_year: 2034 } }));
    const brief = ({ type, code, statusCode, param }) => ({ type, code, statusCode, param });
    return { wrongKey: brief(wrongKey), missing: brief(missing), unknown: brief(unknown), luhn: brief(luhn) };
  },

  // A fault has been set from outside: the library's own retries must not charge twice.
  async retried() {
    const intent = await stripe.paymentIntents.create({ ...card, amount: 3300, payment_method: 'pm_card_visa', confirm: true, metadata: { attempt_id: 'att_retried' } });
    return { status: intent.status, id: intent.id };
  },
});
