// Adyen's own Node library, unmodified, against the simulator over TLS: only the base URL and the trusted CA are set.
import { createRequire } from 'node:module';
import { receive } from './receiver.mjs';
import { run, thrownBy, until } from './scenarios.mjs';

const { Client, CheckoutAPI, hmacValidator, EnvironmentEnum } = createRequire(import.meta.url)('@adyen/api-library');

const base = process.env.SIMULATOR_URL;
const merchantAccount = process.env.ADYEN_MERCHANT_ACCOUNT;
const clientWith = (apiKey) => new Client({ apiKey, environment: EnvironmentEnum?.TEST ?? 'TEST' });

// Each getter of CheckoutAPI builds a new object, so the one whose base URL was set is kept.
function api(name, apiKey = process.env.ADYEN_KEY) {
  const found = new CheckoutAPI(clientWith(apiKey))[name];
  found.baseUrl = `${base}/v72`;
  return found;
}

const payments = api('PaymentsApi');
const modifications = api('ModificationsApi');
const recurring = api('RecurringApi');
const number = (pan) => ({ type: 'scheme', encryptedCardNumber: `test_${pan}`, encryptedExpiryMonth: 'test_03', encryptedExpiryYear: 'test_2034', encryptedSecurityCode: 'test_737', holderName: 'Ada Lovelace' });
const payment = (pan, more = {}) => ({ merchantAccount, amount: { currency: 'EUR', value: 5000 }, reference: `ref-${process.pid}`, returnUrl: 'https://shop.example/back', paymentMethod: number(pan), additionalData: { manualCapture: 'true' }, ...more });
const settings = (change) => fetch(new URL('/settings', process.env.CONTROL_URL), { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(change) });
const books = async (reference) => (await (await fetch(new URL(`/books/adyen?reference=${reference}`, process.env.CONTROL_URL))).json()).charges[0];
const settled = (reference) => until(async () => {
  const charge = await books(reference);
  return [...charge.captures, ...charge.refunds, ...charge.voids].every((m) => m.status !== 'pending') && charge;
}, `the outcome of ${reference}`);

async function challenge(result, outcome) {
  const answer = await fetch(result.action.url.replace(base, process.env.CONTROL_URL), { method: 'POST', redirect: 'manual', body: new URLSearchParams({ outcome }) });
  return new URL(answer.headers.get('location')).searchParams.get('redirectResult');
}

await run({
  async life() {
    const authorised = await payments.payments(payment('4111111111111111'));
    const psp = authorised.pspReference;
    const captured = await modifications.captureAuthorisedPayment(psp, { merchantAccount, amount: { currency: 'EUR', value: 3000 }, reference: 'cap-1' });
    await settled(psp);
    const refunded = await modifications.refundCapturedPayment(psp, { merchantAccount, amount: { currency: 'EUR', value: 1000 }, reference: 'ref-1' });
    const tooMuch = await modifications.refundCapturedPayment(psp, { merchantAccount, amount: { currency: 'EUR', value: 2500 } });
    return { authorised, captured, refunded, tooMuch: tooMuch.status, books: await settled(psp) };
  },

  async cancel() {
    const authorised = await payments.payments(payment('5555555555554444'));
    const canceled = await modifications.cancelAuthorisedPaymentByPspReference(authorised.pspReference, { merchantAccount, reference: 'void-1' });
    return { canceled, books: await settled(authorised.pspReference) };
  },

  async cancelByReference() {
    const endpoint = await receive();
    await settings({ adyen_webhook_url: endpoint.url });
    try {
      const authorised = await payments.payments(payment('5555555555554444', { reference: 'lost-answer', metadata: { payment_id: 'pay_1' } }));
      const canceled = await modifications.cancelAuthorisedPayment({ merchantAccount, paymentReference: 'lost-answer', reference: 'void-2' });
      const nothing = await modifications.cancelAuthorisedPayment({ merchantAccount, paymentReference: 'never-sent', reference: 'void-3' });
      const items = () => endpoint.received.map((r) => JSON.parse(r.body).notificationItems[0].NotificationRequestItem);
      await until(() => items().length >= 3, 'three webhooks');
      const told = (reference) => items().find((i) => i.merchantReference === reference);
      return {
        status: [canceled.status, nothing.status],
        books: await books(authorised.pspReference),
        metadata: told('lost-answer').additionalData['metadata.payment_id'],
        found: { code: told('void-2').eventCode, success: told('void-2').success, original: told('void-2').originalReference === authorised.pspReference, own: told('void-2').pspReference === canceled.pspReference },
        missing: { code: told('void-3').eventCode, success: told('void-3').success },
      };
    } finally {
      await settings({ adyen_webhook_url: '' });
      await endpoint.close();
    }
  },

  async automatic() {
    const authorised = await payments.payments(payment('4111111111111111', { additionalData: {} }));
    return { result: authorised.resultCode, books: await books(authorised.pspReference) };
  },

  async declines() {
    const seen = {};
    for (const pan of ['4000000000000002', '4000000000009995', '4000000000000069', '4000000000000127', '4000000000000119', '4100000000000019']) {
      const r = await payments.payments(payment(pan));
      seen[pan] = { result: r.resultCode, code: r.refusalReasonCode, reason: r.refusalReason };
    }

    const holder = await payments.payments(payment('4111111111111111', { paymentMethod: { ...number('4111111111111111'), holderName: 'NOT_ENOUGH_BALANCE' } }));
    const requested = await payments.payments(payment('4111111111111111', { additionalData: { RequestedTestAcquirerResponseCode: '6' } }));
    return { ...seen, holder: holder.refusalReasonCode, requested: requested.refusalReasonCode };
  },

  async idempotency() {
    const idempotencyKey = `key-${process.pid}`;
    const first = await payments.payments(payment('4111111111111111'), { idempotencyKey });
    const replay = await payments.payments(payment('4111111111111111'), { idempotencyKey });
    const tooLong = await thrownBy(payments.payments(payment('4111111111111111'), { idempotencyKey: 'k'.repeat(65) }));
    return { same: first.pspReference === replay.pspReference, tooLong: tooLong.statusCode };
  },

  async stored() {
    const created = await recurring.storedPaymentMethods({ merchantAccount, shopperReference: 'shopper-1', recurringProcessingModel: 'CardOnFile', paymentMethod: { type: 'scheme', number: '4000002500000003', expiryMonth: '03', expiryYear: '2034', cvc: '737', holderName: 'Ada' } });
    const listed = await recurring.getTokensForStoredPaymentDetails('shopper-1', merchantAccount);
    const paid = await payments.payments({ ...payment('x'), paymentMethod: { type: 'scheme', storedPaymentMethodId: created.id }, shopperReference: 'shopper-1', shopperInteraction: 'ContAuth', recurringProcessingModel: 'CardOnFile' });
    const stranger = await thrownBy(payments.payments({ ...payment('x'), paymentMethod: { type: 'scheme', storedPaymentMethodId: created.id }, shopperReference: 'shopper-2' }));
    await recurring.deleteTokenForStoredPaymentDetails(created.id, 'shopper-1', merchantAccount);
    const after = await recurring.getTokensForStoredPaymentDetails('shopper-1', merchantAccount);
    return { created, listed: listed.storedPaymentMethods.length, paid, stranger: { status: stranger.statusCode, code: stranger.errorCode }, after: after.storedPaymentMethods.length };
  },

  async challenge() {
    const asked = await payments.payments(payment('4212345678901237'));
    const approved = await payments.paymentsDetails({ details: { redirectResult: await challenge(asked, 'approve') } });
    const again = await payments.payments(payment('4212345678901237'));
    const rejected = await payments.paymentsDetails({ details: { redirectResult: await challenge(again, 'reject') } });
    return { asked: asked.resultCode, action: asked.action, approved: approved.resultCode, liability: approved.additionalData.liabilityShift, rejected: { result: rejected.resultCode, code: rejected.refusalReasonCode } };
  },

  async webhooks() {
    const validator = new hmacValidator();
    const vector = validator.calculateHmac('7914073381342284::TestMerchant:TestPayment-1407325143704:1130:EUR:AUTHORISATION:true', '44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056');
    const endpoint = await receive();
    await settings({ adyen_webhook_url: endpoint.url });
    try {
      const authorised = await payments.payments(payment('4111111111111111'));
      const psp = authorised.pspReference;
      await modifications.captureAuthorisedPayment(psp, { merchantAccount, amount: { currency: 'EUR', value: 5000 } });
      await settled(psp);
      const refund = await modifications.refundCapturedPayment(psp, { merchantAccount, amount: { currency: 'EUR', value: 5000 }, reference: 'back' });
      const items = () => endpoint.received.map((r) => JSON.parse(r.body).notificationItems[0].NotificationRequestItem);
      await until(() => ['AUTHORISATION', 'CAPTURE', 'REFUND'].every((code) => items().some((i) => i.eventCode === code)), 'three webhooks');
      const told = items();
      const valid = told.map((item) => validator.validateHMAC(item, process.env.ADYEN_HMAC_KEY));
      const forged = validator.validateHMAC({ ...told[0], success: 'false' }, process.env.ADYEN_HMAC_KEY);
      const item = told.find((i) => i.eventCode === 'REFUND');
      return { vector, codes: told.map((i) => i.eventCode), valid, forged, refund: { original: item.originalReference === psp, own: item.pspReference === refund.pspReference, reference: item.merchantReference, success: item.success } };
    } finally {
      await settings({ adyen_webhook_url: '' });
      await endpoint.close();
    }
  },

  async refusals() {
    const brief = ({ statusCode, errorCode, message, responseBody }) => ({ statusCode, errorCode: errorCode ?? JSON.parse(responseBody ?? '{}').errorCode, message });
    const wrongKey = await thrownBy(api('PaymentsApi', 'wrong').payments(payment('4111111111111111')));
    const badCard = await thrownBy(payments.payments(payment('4111111111111112')));
    const noReference = await thrownBy(payments.payments({ ...payment('4111111111111111'), reference: undefined }));
    const noPayment = await thrownBy(modifications.captureAuthorisedPayment('NOSUCHREFERENCE1', { merchantAccount, amount: { currency: 'EUR', value: 1 } }));
    return { wrongKey: brief(wrongKey), badCard: brief(badCard), noReference: brief(noReference), noPayment: brief(noPayment) };
  },

  async checkout() {
    const methods = await payments.paymentMethods({ merchantAccount });
    const session = await payments.sessions({ merchantAccount, amount: { currency: 'EUR', value: 1000 }, reference: 'session', returnUrl: 'https://shop.example/back' });
    return { types: methods.paymentMethods.map((m) => m.type), session: { id: session.id, data: session.sessionData.length > 0 } };
  },
});
