namespace Payments.Api.Http.OpenApi;

/// <summary>What merchants call.</summary>
internal static class MerchantOperations
{
    private static readonly string[] PaymentFilters = ["status", "order_id", "created[gte]", "created[gt]", "created[lt]", "created[lte]", "limit", "cursor"];
    private const string EventData = "What webhooks carry. data is the payment, or, of webhook_endpoint.disabled, the endpoint.";
    private static readonly string[] Paging = ["limit", "cursor"];

    public static DocumentedOperation[] All { get; } =
    [
        new("POST", "/v1/tokens", "Tokens", "Turn a card or a bank account into a token")
        {
            Origin = Origin.Vault,
            Description = "Called by the shopper's browser with a publishable key, so that card data never touches the merchant's server. The card is stored at every provider of the mode. Instead of card: bank_account with the mandate of its holder, stored at every provider that debits bank accounts.",
            Request = """
                {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123", "name": "Ada Lovelace"},
                 "risk_context": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0", "device_id": "d-77", "email": "ada@example.com", "billing_address": {"line1": "1 Main St", "line2": "Flat 2", "city": "Berlin", "postal_code": "10115", "state": "BE", "country": "DE"},
                   "shipping_address": {"line1": "1 Main St", "line2": "Flat 2", "city": "Berlin", "postal_code": "10115", "state": "BE", "country": "DE"}, "session_seconds": 340, "account_created_at": "2025-03-01T09:00:00Z"}}
                """,
            RequestInstead = """
                {"bank_account": {"routing_number": "110000000", "account_number": "000123456789", "account_type": "checking", "holder_name": "Ada Lovelace", "holder_type": "individual"},
                 "mandate": {"accepted_at": "2026-01-31T12:00:00Z", "ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}}
                """,
            Required =
            [
                "card.number", "card.exp_month", "card.exp_year", "card.cvc", "bank_account.routing_number", "bank_account.account_number", "bank_account.account_type",
                "bank_account.holder_name", "bank_account.holder_type", "mandate.accepted_at", "mandate.ip", "mandate.user_agent",
            ],
            Status = 201,
            Response = """
                {"id": "tok_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "token", "mode": "test", "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034, "country": "US", "funding": "credit"},
                 "bank_account": null, "providers": ["stripe", "adyen"], "created_at": "2026-01-31T12:00:00Z"}
                """,
        },
        new("DELETE", "/v1/tokens/{id}", "Tokens", "Forget a token") { Origin = Origin.Vault, Status = 204, Description = "With a secret key. Takes the card away from every provider, too." },

        new("POST", "/v1/payments", "Payments", "Create a payment")
        {
            Description = "Authorizes, and with capture_method automatic also captures. 201 with the payment, also when it was declined (status declined); 202 while the outcome is unknown, as of a debit of a bank account (type ach) for days: repeat the request with the same Idempotency-Key, or wait for the webhook.",
            Request = """
                {"amount": 5000, "currency": "USD", "payment_method": {"type": "card", "token": "tok_01k0x5w3n8e2v9y7t4r6q1m5za"}, "capture_method": "automatic", "description": "Two mugs", "order_id": "1042",
                 "metadata": {"cart": "77"}, "statement_descriptor": "MUGS", "return_url": "https://shop.example/return", "receipt_email": "ada@example.com", "customer_reference": "c-1815",
                 "risk_context": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0", "device_id": "d-77", "email": "ada@example.com", "billing_address": {"line1": "1 Main St", "line2": "Flat 2", "city": "Berlin", "postal_code": "10115", "state": "BE", "country": "DE"},
                   "shipping_address": {"line1": "1 Main St", "line2": "Flat 2", "city": "Berlin", "postal_code": "10115", "state": "BE", "country": "DE"}, "session_seconds": 340, "account_created_at": "2025-03-01T09:00:00Z"},
                 "three_d_secure": "no_preference", "initiated_by": "customer"}
                """,
            Required = ["amount", "currency", "payment_method", "payment_method.token"],
            Status = 201,
            Response = Examples.Payment,
        },
        new("GET", "/v1/payments", "Payments", "List payments") { Query = PaymentFilters, Response = DocumentedOperation.List(Examples.Payment) },
        new("GET", "/v1/payments/{id}", "Payments", "Read a payment") { Response = Examples.PaymentInFull, Description = "With its attempts, refunds and timeline, and with what was put right when something went wrong." },
        new("POST", "/v1/payments/{id}/capture", "Payments", "Capture an authorized payment")
        {
            Description = "Without amount: all that is left. With final: the rest is released.",
            Request = """{"amount": 3000, "final": false}""",
            Response = Examples.Payment,
        },
        new("POST", "/v1/payments/{id}/void", "Payments", "Release an authorized payment") { Request = "{}", Response = Examples.Payment },
        new("POST", "/v1/payments/{id}/refunds", "Refunds", "Refund a captured payment")
        {
            Description = "Without amount: all that is left. Never more than was captured.",
            Request = """{"amount": 1500, "reason": "One mug arrived broken"}""",
            Status = 201,
            Response = Examples.Refund,
        },
        new("POST", "/v1/orders/{order_id}/cancel", "Payments", "Cancel an order")
        {
            Description = "What is authorized and not captured for the order is released, but never within the first four hours of the authorization, and a capture that comes first wins. To release a hold at once, void its payment. Payments made afterwards under the same order_id are not affected.",
            Request = "{}",
            Response = """
                {"object": "order", "order_id": "1042", "mode": "test", "cancelled_at": "2026-01-31T12:00:00Z",
                 "payments": [{"id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "status": "authorized", "currency": "USD", "amount_held": 5000, "released_after": "2026-01-31T16:00:00Z"}]}
                """,
        },
        new("DELETE", "/v1/payments/{id}/risk_context", "Privacy", "Erase what was told of a payment's customer")
        {
            Status = 204,
            Description = "The risk_context and customer_reference of this payment. The payment itself stays as it is; erasing again changes nothing.",
        },
        new("POST", "/v1/erasures", "Privacy", "Erase what was told of a customer")
        {
            Description = "The risk_context and customer_reference of all payments, and the risk_context of all tokens, that carry either name, in this mode. Neither name is kept.",
            Request = """{"customer_reference": "c-1815", "email": "ada@example.com"}""",
            Response = Examples.Erasure,
        },
        new("GET", "/v1/refunds/{id}", "Refunds", "Read a refund") { Response = Examples.Refund },

        new("GET", "/v1/disputes", "Disputes", "List disputes") { Query = ["status@dispute", "payment", .. Paging], Response = DocumentedOperation.List(Examples.Dispute) },
        new("GET", "/v1/disputes/{id}", "Disputes", "Read a dispute") { Response = Examples.DisputeInFull, Description = "With what was laid down as evidence." },
        new("POST", "/v1/disputes/{id}/evidence", "Disputes", "Lay down texts as evidence")
        {
            Description = "Up to 20,000 characters each. What is absent stays, an empty text is taken away. A provider that takes documents only refuses texts (evidence_texts_not_supported).",
            Request = """
                {"access_activity_log": "Logged in from the usual address", "cancellation_policy_disclosure": "Shown at checkout", "product_description": "Two mugs", "refund_policy_disclosure": "Shown at checkout",
                 "service_date": "2026-01-31", "shipping_carrier": "DHL", "shipping_date": "2026-02-01", "shipping_tracking_number": "JD0140", "uncategorized_text": "The customer wrote that they arrived"}
                """,
            Response = Examples.DisputeInFull,
        },
        new("PUT", "/v1/disputes/{id}/files/{evidence_kind}", "Disputes", "Upload a file as evidence")
        {
            Description = $"The body is the file itself: application/pdf or image/jpeg, up to 2 MiB. One of each kind: {string.Join(", ", Connectors.EvidenceKinds.Files)}. A later one takes its place.",
            Response = Examples.DisputeInFull,
        },
        new("POST", "/v1/disputes/{id}/submit", "Disputes", "Submit the evidence")
        {
            Description = "Once, before evidence_due_by. 202 while it is not known whether the provider has it: the dispute and its webhooks tell.",
            Request = "{}",
            Response = Examples.DisputeInFull,
        },
        new("POST", "/v1/disputes/{id}/accept", "Disputes", "Accept a dispute") { Description = "The money stays with the customer.", Request = "{}", Response = Examples.DisputeInFull },

        new("POST", "/v1/webhook_endpoints", "Webhooks", "Create a webhook endpoint")
        {
            Description = "Deliveries follow Standard Webhooks. The signing secret is shown once.",
            Request = """{"url": "https://shop.example/webhooks", "description": "Orders", "event_types": ["payment.captured", "payment.refunded"]}""",
            Required = ["url"],
            Status = 201,
            Response = Examples.EndpointWithSecret,
        },
        new("GET", "/v1/webhook_endpoints", "Webhooks", "List webhook endpoints") { Query = Paging, Response = DocumentedOperation.List(Examples.Endpoint) },
        new("GET", "/v1/webhook_endpoints/{id}", "Webhooks", "Read a webhook endpoint") { Response = Examples.Endpoint },
        new("PATCH", "/v1/webhook_endpoints/{id}", "Webhooks", "Change a webhook endpoint") { Request = """{"description": "Orders and refunds", "status": "enabled"}""", Response = Examples.Endpoint },
        new("DELETE", "/v1/webhook_endpoints/{id}", "Webhooks", "Remove a webhook endpoint") { Status = 204, Description = "What waits for it is canceled." },
        new("POST", "/v1/webhook_endpoints/{id}/rotate_secret", "Webhooks", "Rotate the signing secret")
        {
            Description = "Both secrets sign for a while, so that no delivery fails meanwhile.",
            Request = "{}",
            Response = Examples.EndpointWithSecret,
        },
        new("GET", "/v1/webhook_endpoints/{id}/deliveries", "Webhooks", "List deliveries") { Query = ["status@delivery", .. Paging], Response = DocumentedOperation.List(Examples.Delivery) },
        new("POST", "/v1/webhook_endpoints/{id}/deliveries/{delivery_id}/resend", "Webhooks", "Deliver again") { Request = "{}", Status = 202, Response = Examples.Delivery },
        new("GET", "/v1/events", "Webhooks", "List events") { Description = EventData, Query = ["type@event", "payment", "created[gte]", "created[lt]", .. Paging], Response = DocumentedOperation.List(Examples.Event) },
        new("GET", "/v1/events/{id}", "Webhooks", "Read an event") { Description = EventData, Response = Examples.Event },

        .. RiskOperations.Of("/v1", "Risk", ofOperators: false),

        new("GET", "/v1/balance", "Balance", "Read the balance")
        {
            Response = """{"object": "balance", "mode": "test", "pending": [{"amount": 4825, "currency": "USD"}], "available": [], "reserved": [], "authorized": []}""",
        },
        new("GET", "/v1/balance_transactions", "Balance", "List balance transactions")
        {
            Query = ["payment", "type@transaction", "currency", .. Paging],
            Response = DocumentedOperation.List("""
                {"id": "txn_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "balance_transaction", "type": "charge", "amount": 5000, "fee": 175, "net": 4825, "currency": "USD",
                 "payment": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "created_at": "2026-01-31T12:00:02Z"}
                """),
        },
        new("GET", "/v1/settlements", "Balance", "List settlements") { Query = ["currency", .. Paging], Response = DocumentedOperation.List(Examples.Settlement) },
        new("GET", "/v1/settlements/{id}", "Balance", "Read a settlement")
        {
            Description = "With Accept: text/csv every item of it, with Accept: text/html a page to print.",
            Response = Examples.Settlement,
        },
        new("GET", "/v1/payouts", "Balance", "List payouts") { Query = ["status@payout", .. Paging], Response = DocumentedOperation.List(Examples.MerchantPayout) },
        new("GET", "/v1/payouts/{id}", "Balance", "Read a payout") { Response = Examples.MerchantPayout },
    ];
}
