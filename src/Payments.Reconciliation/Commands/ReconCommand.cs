using System.Globalization;
using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Reconciliation.Bookings;
using Payments.Reconciliation.Closing;
using Payments.Reconciliation.Imports;
using Payments.Reconciliation.Matching;
using Payments.Reconciliation.Reports;

namespace Payments.Reconciliation.Commands;

/// <summary>
/// <c>recon import|match|close|verify|report|explain|book</c>: the same as the service does, from a shell and straight on its database
/// (<c>ConnectionStrings__reconciliation</c>).
/// </summary>
public static class ReconCommand
{
    public const string Usage = """
        recon import FILE... [--mode test|live] [--format NAME]     loads statements; the same file again changes nothing
        recon match [--mode test|live]                              compares what changed
        recon close DAY --provider NAME [--leg provider|bank] [--mode test|live]
        recon verify                                                whether every closed day is what was signed when it was closed
        recon report [DAY] [--provider NAME] [--leg provider|bank] [--mode test|live] [--as json|csv|html]
        recon explain PAYMENT [--as json]                           one payment's story over all records
        recon book                                                  asks the ledger for what is due, and what it knows of payouts and rates (Payments__Urls__Ledger, Payments__InternalKey)
        """;

    private const int ReportsAtATime = 1_000;
    private const int LinesTold = 20;
    private static readonly string[] Verbs = ["import", "match", "close", "verify", "report", "explain", "book"];
    private static readonly JsonSerializerOptions Indented = new(Json.Options) { WriteIndented = true };

    public static bool Is(IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        return arguments.Count > 0 && (Verbs.Contains(arguments[0]) || arguments[0] is "--help");
    }

    /// <returns>0: done; 1: something was refused; 2: the command is not understood.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, IServiceProvider services, TextWriter output, TextWriter told, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(told);
        if (Options.Parse(arguments) is not { } options)
        {
            await told.WriteLineAsync(Usage);
            return 2;
        }

        switch (options)
        {
            case { Verb: "import", Words.Count: > 0 }:
                return await ImportAsync(options, services, output, told, cancellationToken);
            case { Verb: "match", Words.Count: 0 }:
                var result = await services.GetRequiredService<Matcher>().MatchAsync(
                    options.Mode, (done, all, what) => told.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done}/{all} {what}")), cancellationToken);
                await output.WriteLineAsync(JsonSerializer.Serialize(result, Indented));
                return 0;
            case { Verb: "close", Words: [var day], Provider: { } provider } when DateOnly.TryParseExact(day, "yyyy-MM-dd", out var date):
                var closed = await services.GetRequiredService<DayClosings>().CloseAsync(new(options.Mode ?? Mode.Test, options.Leg ?? Leg.Provider, provider), date, cancellationToken);
                await output.WriteLineAsync(Words.Of(closed));
                return closed is CloseResult.Now or CloseResult.Closed ? 0 : 1;
            case { Verb: "verify", Words.Count: 0 }:
                var broken = await services.GetRequiredService<DayClosings>().VerifyAsync((done, all, what) => told.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done}/{all} {what}")), cancellationToken);
                await output.WriteLineAsync(JsonSerializer.Serialize(new { intact = broken.Count == 0, broken }, Indented));
                return broken.Count == 0 ? 0 : 1;
            case { Verb: "book", Words.Count: 0 }:
                var booked = await services.GetRequiredService<Booker>().BookDueAsync(null, cancellationToken);
                await services.GetRequiredService<ExpectedPayouts>().TakeAsync(cancellationToken);
                await services.GetRequiredService<LedgerRates>().TakeAsync(cancellationToken);
                await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{booked} booked"));
                return (await services.GetRequiredService<BookingList>().CountAsync(1, cancellationToken)).Failing == 0 ? 0 : 1;
            case { Verb: "report", Words.Count: 0 }:
                return await ReportAsync(null, options, services, output, cancellationToken);
            case { Verb: "report", Words: [var day] } when DateOnly.TryParseExact(day, "yyyy-MM-dd", out var date):
                return await ReportAsync(date, options, services, output, cancellationToken);
            case { Verb: "explain", Words: [var payment] } when Id.TryParse<PaymentId>(payment, out var id):
                var (story, away) = await services.GetRequiredService<Explanations>().FindAsync(id, cancellationToken);
                if (story is null)
                {
                    await told.WriteLineAsync(away is null
                        ? "Nothing is known of this payment: no provider is expected to have it, and the ledger has nothing of it."
                        : "No provider is expected to have this payment, and whether the ledger has it cannot be said: it does not answer.");
                    return 1;
                }

                await output.WriteLineAsync(options.As == "json" ? JsonSerializer.Serialize(story, Indented) : string.Join(Environment.NewLine, story.Story));
                return 0;
            default:
                await told.WriteLineAsync(Usage);
                return options.Verb is "--help" ? 0 : 2;
        }
    }

    private static async Task<int> ImportAsync(Options options, IServiceProvider services, TextWriter output, TextWriter told, CancellationToken cancellationToken)
    {
        var importer = services.GetRequiredService<Importer>();
        var refused = false;
        foreach (var path in options.Words)
        {
            var result = await importer.ImportAsync(path, options.Mode ?? Mode.Test, options.Format, line => told.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path}: line {line}")), cancellationToken);
            refused |= result.State == "refused";
            await output.WriteLineAsync(JsonSerializer.Serialize(result, Indented));
            await TellQuarantineAsync(path, result, services.GetRequiredService<Quarantine>(), told, cancellationToken);
        }

        return refused ? 1 : 0;
    }

    /// <summary>What was set aside, line by line, as far as somebody reads it on a screen.</summary>
    private static async Task TellQuarantineAsync(string path, ImportResult result, Quarantine quarantine, TextWriter told, CancellationToken cancellationToken)
    {
        foreach (var line in result.Quarantined == 0 ? [] : await quarantine.ReadAsync(result.Number, 0, LinesTold, cancellationToken) ?? [])
        {
            await told.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{path}: line {line.Line} set aside: {(line.Column is null ? "it" : line.Column)} {line.Reason}"));
        }

        if (result.Quarantined > LinesTold)
        {
            await told.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{path}: {result.Quarantined - LinesTold} more lines set aside: GET /ops/v1/reconciliation/imports/{result.Number}/quarantine"));
        }
    }

    /// <summary>The oldest day first.</summary>
    private static async Task<int> ReportAsync(DateOnly? day, Options options, IServiceProvider services, TextWriter output, CancellationToken cancellationToken)
    {
        var reports = services.GetRequiredService<DayReports>();
        var wanted = new List<DayReport>();
        if (day is { } date)
        {
            wanted.AddRange(await reports.OfDayAsync(options.Mode, options.Leg, options.Provider, date, cancellationToken));
        }
        else
        {
            IReadOnlyList<DayReport> page;
            do
            {
                page = await reports.ListAsync(options.Mode, options.Leg, options.Provider, wanted.Count == 0 ? null : DayReports.NumberOf(wanted[^1]), ReportsAtATime, cancellationToken);
                wanted.AddRange(page);
            }
            while (page.Count == ReportsAtATime);
        }

        foreach (var report in Enumerable.Reverse(wanted))
        {
            await output.WriteLineAsync(options.As switch { "csv" => ReportText.Csv(report), "html" => ReportText.Html(report), _ => JsonSerializer.Serialize(report, Indented) });
        }

        return 0;
    }

    private sealed record Options(string Verb, IReadOnlyList<string> Words, Mode? Mode, Leg? Leg, string? Provider, string? Format, string? As)
    {
        public static Options? Parse(IReadOnlyList<string> arguments)
        {
            var words = new List<string>();
            var named = new Dictionary<string, string>(StringComparer.Ordinal);
            for (var i = 1; i < arguments.Count; i++)
            {
                if (!arguments[i].StartsWith("--", StringComparison.Ordinal))
                {
                    words.Add(arguments[i]);
                }
                else if (arguments[i] is not ("--mode" or "--leg" or "--provider" or "--format" or "--as") || i + 1 == arguments.Count || !named.TryAdd(arguments[i], arguments[++i]))
                {
                    return null;
                }
            }

            var (mode, leg) = ((Core.Mode?)null, (Reconciliation.Leg?)null);
            if (named.TryGetValue("--mode", out var modeText))
            {
                mode = ModeNames.TryParse(modeText, out var parsed) ? parsed : null;
            }

            if (named.TryGetValue("--leg", out var legText))
            {
                leg = Core.Words.TryParse<Reconciliation.Leg>(legText, out var parsed) ? parsed : null;
            }

            return (mode is null && modeText is not null) || (leg is null && legText is not null)
                ? null
                : new(arguments[0], words, mode, leg, named.GetValueOrDefault("--provider"), named.GetValueOrDefault("--format"), named.GetValueOrDefault("--as"));
        }
    }
}
