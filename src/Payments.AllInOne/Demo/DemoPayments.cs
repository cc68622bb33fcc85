using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Payments.AllInOne.Demo;

/// <summary>One payment through each provider, and what became of it: the payment, its journals, its webhook.</summary>
internal static class DemoPayments
{
    private static readonly (string Provider, string Card, long Amount, string Currency)[] Purchases =
    [
        ("stripe", "4242424242424242", 49_99, "USD"),
        ("adyen", "5555555555554444", 25_00, "EUR"),
    ];

    /// <exception cref="InvalidOperationException">A payment did not end as captured, or its consequences did not show.</exception>
    public static async Task RunAsync(DemoShop shop, string merchantId, DemoReceiver receiver, IAnsiConsole console, CancellationToken cancellationToken)
    {
        receiver.Secret = await shop.RegisterReceiverAsync(cancellationToken);
        foreach (var (provider, card, amount, currency) in Purchases)
        {
            await shop.PreferAsync(merchantId, provider, cancellationToken);
            var token = await shop.TokenAsync(card, cancellationToken);
            var order = string.Create(CultureInfo.InvariantCulture, $"demo-{TimeProvider.System.GetUtcNow():yyyyMMdd-HHmmss}-{provider}");
            var payment = await shop.PayAsync(token, amount, currency, order, cancellationToken);
            await ShowAsync(shop, provider, payment, receiver, console, cancellationToken);
        }

        await shop.PreferAsync(merchantId, null, cancellationToken);
        var balanced = (await shop.TrialBalanceAsync(cancellationToken)).All(row => (long)row!["difference"]! == 0);
        console.WriteLine(balanced ? "  The trial balance is zero in every currency." : throw new InvalidOperationException("The trial balance is not zero."));
        console.WriteLine();
    }

    private static async Task ShowAsync(
        DemoShop shop, string provider, JsonNode payment, DemoReceiver receiver, IAnsiConsole console, CancellationToken cancellationToken)
    {
        var id = (string)payment["id"]!;
        var status = (string?)payment["status"];
        if (status != "captured" || (string?)payment["provider"] != provider)
        {
            throw new InvalidOperationException($"Demo payment {id} is {status} at {payment["provider"]}, not captured at {provider}: {payment.ToJsonString()}");
        }

        console.WriteLine($"Payment {id}: {Amount(payment)} {payment["currency"]} {status} at {provider} ({payment["provider_reference"]})");

        const int ofASale = 1;
        var journals = await shop.JournalsAsync(id, ofASale, cancellationToken);
        if (journals.Count < ofASale)
        {
            throw new InvalidOperationException($"The ledger holds no journal of payment {id}.");
        }

        console.Write(JournalTable(journals));

        const string captured = "payment.captured";
        var webhook = await receiver.WaitForAsync(captured, id, TimeSpan.FromSeconds(20), cancellationToken)
            ?? throw new InvalidOperationException($"No webhook {captured} of payment {id} arrived.");
        console.WriteLine($"  Webhook {captured} received and its signature verified ({webhook.Id})");
        console.WriteLine();
    }

    private static Table JournalTable(JsonArray journals)
    {
        var table = new Table().Border(TableBorder.Minimal).AddColumns("Event", "Line", "Debit", "Credit").AddColumn(new TableColumn("Amount").RightAligned());
        foreach (var journal in journals.OrderBy(j => (long)j!["event_seq"]!))
        {
            foreach (var line in journal!["lines"]!.AsArray())
            {
                table.AddRow(new[]
                {
                    (string?)journal["event_type"], $"{line!["action"]} {line["kind"]}", Account(line["debit"]), Account(line["credit"]),
                    $"{Amount(line)} {line["currency"]}",
                }.Select(cell => new Text(cell ?? string.Empty)));
            }
        }

        return table;
    }

    private static string Account(JsonNode? end) => $"{end!["owner"]}/{end["kind"]}";

    /// <summary>The demo uses currencies of two decimals only.</summary>
    private static string Amount(JsonNode node) => ((long)node["amount"]! / 100m).ToString("0.00", CultureInfo.InvariantCulture);
}
