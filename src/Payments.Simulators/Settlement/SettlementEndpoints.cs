using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.Simulators.Adyen;
using Payments.Simulators.Books;
using Payments.Simulators.Control;
using Payments.Simulators.Webhooks;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Settlement;

/// <summary>
/// Files that the providers and the bank make of the books: <c>GET /settlement/stripe/report</c>, <c>/settlement/adyen/report</c>,
/// <c>/settlement/bank/camt053</c>, <c>/settlement/bank/mt940</c> (each <c>?from=&amp;through=</c>), faults at <c>/settlement/faults</c>, and
/// <c>POST /settlement/adyen/announce</c>, which tells by webhook that a report is there, and <c>POST /settlement/stripe/pay</c>, after which
/// Stripe's API shows payouts up to that day. Announced reports are downloaded by the report user below <c>/reports/download</c>.
/// </summary>
internal static class SettlementEndpoints
{
    public static void AddSettlement(this IServiceCollection services) => services.AddSingleton<SettlementFaults>().AddSingleton<StripePayouts>().AddSingleton<AdyenReports>();

    public static void MapSettlement(this IEndpointRouteBuilder app)
    {
        var group = app.MapGroup("/settlement");
        group.MapGet("/stripe/report", (string from, string through, BookStore books, SettlementFaults faults) =>
            Within(from, through, (first, last) => Csv(SettlementReports.Stripe(Lines(books, faults, Providers.Stripe, first, last)))));
        group.MapGet("/adyen/report", (string from, string through, int batch, BookStore books, SettlementFaults faults, IOptions<SimulatorsOptions> options) =>
            Within(from, through, (first, last) => Csv(SettlementReports.Adyen(Lines(books, faults, Providers.Adyen, first, last), options.Value.Adyen.MerchantAccount, batch))));
        group.MapGet("/bank/{form}", (string form, string from, string through, int batch, string currency, BookStore books, SettlementFaults faults) =>
            Currency.TryFind(currency, out var known) && form is "camt053" or "mt940"
                ? Within(from, through, (first, last) => Bank(form, BankStatements.Entries(Lines(books, faults, Providers.Stripe, first, last), Lines(books, faults, Providers.Adyen, first, last), batch), known!, $"{from}.{currency}"))
                : ControlBody.Bad("camt053 or mt940, and a currency, are expected."));
        group.MapPost("/faults", AddFaultAsync);
        group.MapGet("/faults", (SettlementFaults faults) => TypedResults.Json(faults.All(), ControlJson.Options));
        group.MapDelete("/faults", (SettlementFaults faults) =>
        {
            faults.Clear();
            return TypedResults.NoContent();
        });
        group.MapPost("/adyen/announce", AnnounceAsync);
        group.MapPost("/stripe/pay", PayAsync);
        app.MapGet("/reports/download/MerchantAccount/{account}/{name}", AdyenReports.Download);
    }

    private sealed record PaidThrough(string Through);

    private static async Task<IResult> PayAsync(HttpContext http, StripePayouts payouts)
    {
        var (asked, problem) = await ControlBody.ReadAsync<PaidThrough>(http);
        if (problem is not null)
        {
            return problem;
        }

        return Within(asked!.Through, asked.Through, (day, _) =>
        {
            payouts.PayThrough(day);
            return TypedResults.NoContent();
        });
    }

    private sealed record Announcement(string From, string Through, int Batch);

    private static IReadOnlyList<SettledMovement> Lines(BookStore books, SettlementFaults faults, string provider, DateOnly from, DateOnly through) =>
        faults.Strike(provider, SettledMovements.Read(books, provider, from, through));

    private static IResult Csv(string text) => TypedResults.Text(text, "text/csv; charset=utf-8");

    private static IResult Bank(string form, IReadOnlyList<BankEntry> entries, Currency currency, string id) =>
        form == "camt053" ? TypedResults.Text(BankStatements.Camt053(entries, currency, id), "application/xml; charset=utf-8") : TypedResults.Text(BankStatements.Mt940(entries, currency, id), "text/plain; charset=utf-8");

    private static IResult Within(string from, string through, Func<DateOnly, DateOnly, IResult> make) =>
        DateOnly.TryParseExact(from, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var first)
        && DateOnly.TryParseExact(through, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var last)
            ? make(first, last)
            : ControlBody.Bad("from and through are expected as yyyy-mm-dd.");

    private static async Task<IResult> AddFaultAsync(HttpContext http, SettlementFaults faults)
    {
        var (fault, problem) = await ControlBody.ReadAsync<SettlementFault>(http);
        if (problem is not null)
        {
            return problem;
        }

        if (!Providers.IsKnown(fault!.Provider) || (fault.Currency is not null && !Currency.TryFind(fault.Currency, out _)))
        {
            return ControlBody.Bad("A provider and, if given, a currency that exist are expected.");
        }

        faults.Add(fault);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> AnnounceAsync(HttpContext http, AdyenReports reports, BookStore books, Settings settings, IOptions<SimulatorsOptions> options)
    {
        var (announcement, problem) = await ControlBody.ReadAsync<Announcement>(http);
        if (problem is not null)
        {
            return problem;
        }

        if (settings.AdyenWebhookUrl is not { } url)
        {
            return ControlBody.Bad("No webhook URL is set.");
        }

        var name = string.Create(CultureInfo.InvariantCulture, $"settlement_detail_report_batch_{announcement!.Batch}.csv");
        var place = string.Create(
            CultureInfo.InvariantCulture,
            $"{options.Value.PublicUrl?.TrimEnd('/') ?? $"{http.Request.Scheme}://{http.Request.Host}"}/reports/download/MerchantAccount/{options.Value.Adyen.MerchantAccount}/{name}?from={announcement.From}&through={announcement.Through}");
        if (Within(announcement.From, announcement.Through, (first, last) =>
        {
            reports.Announce(name, first, last);
            return TypedResults.NoContent();
        }) is not NoContent)
        {
            return ControlBody.Bad("from and through are expected as yyyy-mm-dd.");
        }

        books.Write(transaction =>
        {
            var told = transaction.Put(new AdyenNotification
            {
                Id = $"{name}:REPORT_AVAILABLE",
                EventCode = "REPORT_AVAILABLE",
                Success = true,
                PspReference = name,
                Value = 0,
                Currency = "EUR",
                Reason = place,
                Created = transaction.Now,
            });
            return transaction.Put(Delivery.New(Providers.Adyen, told.Id, url, transaction.Now));
        });
        return TypedResults.NoContent();
    }
}
