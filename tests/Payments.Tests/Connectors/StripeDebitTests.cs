using System.Text.Json;
using Payments.Connectors;
using Payments.Connectors.Stripe;
using Payments.Core;
using Payments.Core.Seams;
using Xunit;

namespace Payments.Tests.Connectors;

/// <summary>Debits of bank accounts over Stripe's wire: what is sent, and what answers and disputes mean.</summary>
public sealed class StripeDebitTests
{
    private static readonly Mandate Mandate = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), "203.0.113.7", "Mozilla/5.0");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static AuthorizeCall Debit() => Bench.Authorize(Provider.Stripe) with { CaptureNow = true, Mandate = Mandate };

    private static string Intent(string status, string? error = null) => $$"""
        {"id":"pi_1","object":"payment_intent","amount":5000,"currency":"usd","status":"{{status}}","payment_method_types":["us_bank_account"],"latest_charge":"py_1",
         "last_payment_error":{{(error is null ? "null" : $$"""{"code":"{{error}}"}""")}}}
        """;

    [Theory]
    [InlineData("processing", null, OutcomeKind.Pending, null)]
    [InlineData("succeeded", null, OutcomeKind.Approved, null)]
    [InlineData("requires_action", null, OutcomeKind.Pending, null)]
    [InlineData("requires_payment_method", "no_account", OutcomeKind.Declined, "no_account")]
    [InlineData("requires_payment_method", "insufficient_funds", OutcomeKind.Declined, "insufficient_funds")]
    [InlineData("requires_payment_method", "a_code_of_tomorrow", OutcomeKind.Declined, "debit_declined")]
    [InlineData("asleep", null, OutcomeKind.Unknown, null)]
    public async Task An_intent_of_a_debit_has_its_meaning(string status, string? error, OutcomeKind kind, string? code)
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (200, Intent(status, error), null) };
        var outcome = await Bench.Connector(server.Url, Provider.Stripe).AuthorizeAsync(Debit(), Cancel);
        Assert.Equal((kind, code, kind == OutcomeKind.Approved), (outcome.Kind, outcome.Decline?.Code, outcome.Captured));
        Assert.Equal("pi_1", outcome.PaymentReference);
    }

    [Fact]
    public async Task A_debit_is_sent_with_its_holders_mandate_and_nothing_of_cards()
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (200, Intent("processing"), null) };
        await Bench.Connector(server.Url, Provider.Stripe).AuthorizeAsync(Debit(), Cancel);
        var sent = Uri.UnescapeDataString(server.LastRequest);
        foreach (var part in new[]
        {
            "payment_method_types[0]=us_bank_account", "mandate_data[customer_acceptance][type]=online", "mandate_data[customer_acceptance][accepted_at]=1769860800",
            "mandate_data[customer_acceptance][online][ip_address]=203.0.113.7", "mandate_data[customer_acceptance][online][user_agent]=Mozilla/5.0", "setup_future_usage=off_session",
            "customer=cus_1", "payment_method=pm_1", "capture_method=automatic", "confirm=true",
        })
        {
            Assert.Contains(part, sent, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("[card]", sent, StringComparison.Ordinal);
        Assert.DoesNotContain("return_url", sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_of_the_request_is_in_words_of_bank_accounts()
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (400, """{"error":{"type":"invalid_request_error","code":"payment_method_bank_account_blocked"}}""", null) };
        Assert.Equal("account_restricted", (await Bench.Connector(server.Url, Provider.Stripe).AuthorizeAsync(Debit(), Cancel)).Decline?.Code);
    }

    [Theory]
    [InlineData("insufficient_funds", "insufficient_funds", DeclineKind.Soft)]
    [InlineData("account_closed", "closed_account", DeclineKind.Hard)]
    [InlineData("no_account", "no_account", DeclineKind.Hard)]
    [InlineData("debit_not_authorized", "debit_not_authorized", DeclineKind.Hard)]
    [InlineData("resource_missing", "token_unusable", DeclineKind.Hard)]
    [InlineData(null, "debit_declined", DeclineKind.Soft)]
    public void Returns_are_normalised_and_stay_with_their_provider(string? code, string ours, DeclineKind kind)
    {
        var decline = StripeDebits.DeclineOf(code);
        Assert.Equal((ours, kind, code), (decline.Code, decline.Kind, decline.ProviderCode));
        Assert.All(StripeBankDeclines.Table.Rows, r => Assert.False(r.MayCascade, r.ProviderCode));
    }

    [Theory]
    [InlineData("debit_not_authorized", DisputeReason.Fraudulent)]
    [InlineData("insufficient_funds", DisputeReason.General)]
    [InlineData("bank_cannot_process", DisputeReason.General)]
    public void A_return_after_success_is_a_dispute_that_is_lost_and_has_taken_the_money(string reason, DisputeReason ours)
    {
        var dispute = JsonSerializer.Deserialize<JsonElement>($$"""
            {"id":"du_1","object":"dispute","amount":5000,"currency":"usd","status":"lost","reason":"{{reason}}","payment_intent":"pi_1","evidence_details":{"due_by":null},
             "balance_transactions":[{"amount":-5000,"fee":1500,"currency":"usd"}]}
            """);
        var fact = StripeDisputes.FactOf("charge.dispute.created", dispute, null)!;
        Assert.Equal((DisputeStatus.Lost, ours, reason), (fact.Status, fact.Reason, fact.ProviderReason));
        Assert.Equal([new ToldMovement(1, 5_000, 1_500)], fact.Movements);
    }

    [Fact]
    public async Task An_account_is_stored_under_a_customer_and_attached_by_its_first_debit()
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (200, """{"id":"x_1","us_bank_account":{"bank_name":"A BANK"}}""", null) };
        var call = new TokeniseCall(Bench.Ids.New<TokenId>(), Bench.Ids.New<MerchantId>(), Mode.Test, null)
        {
            BankAccount = new BankAccountData("110000000", "000123456789", BankAccountType.Savings, BankHolderType.Company, "Ada Ltd"),
        };
        var stored = await Bench.Connector(server.Url, Provider.Stripe).TokeniseAsync(call, Cancel);
        Assert.Equal((OutcomeKind.Approved, "x_1/x_1", "A BANK", 2), (stored.Kind, stored.ProviderToken, stored.BankName, server.Requests));
    }
}
