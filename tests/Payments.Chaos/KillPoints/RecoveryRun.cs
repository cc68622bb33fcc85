using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Payments.Chaos.Load;
using Payments.Chaos.Processes;
using Payments.Core;
using Payments.Platform;

namespace Payments.Chaos.KillPoints;

/// <summary>
/// Visits kill points of what the product does without being asked: it undoes a second charge, and voids a hold that nobody captured. After
/// each the providers' books tell whether it was done, and once: one charge kept, nothing held.
/// </summary>
internal sealed class RecoveryRun(Fleet fleet, KillPointRun run, Action<string> tell) : IDisposable
{
    private const int Attempts = 3;
    private readonly HttpClient simulators = new() { BaseAddress = fleet[Names.Services.Simulators].Address };
    private int charges;

    public void Dispose() => simulators.Dispose();

    /// <returns>Null, or what did not go as it must.</returns>
    public async Task<string?> VisitAsync(KillPoint point, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (problem, missed) = await TryAsync(point, cancellationToken);
            if (!missed || attempt == Attempts)
            {
                return problem is null ? null : $"{point}: {problem}";
            }
        }
    }

    private async Task<(string? Problem, bool Missed)> TryAsync(KillPoint point, CancellationToken cancellationToken)
    {
        var errand = run.NextErrand(point.Provider);
        var isSecond = point.Operation == KillPoint.DoubleCharge;
        var (payment, problem) = await run.PayAsync(errand, isSecond ? "captured" : "authorized", cancellationToken);
        if (problem is not null)
        {
            return (problem, false);
        }

        var (known, id) = (payment!, Id.TryParse<PaymentId>(payment, out var parsed) ? parsed.Value : throw new InvalidOperationException($"{payment} is no payment's id."));
        var struck = await run.StrikeAsync([point], () => isSecond ? ChargeAgainAsync(errand, known, id, cancellationToken) : AgeAsync(id, cancellationToken), cancellationToken);
        if (struck.Problem is not null)
        {
            return struck;
        }

        // Who held these leases is dead: nobody waits for their end, which is a minute away, or ten for a hold whose void never arrived.
        await ExecuteAsync("UPDATE holds SET leased_until = NULL WHERE payment_id = $1", id, cancellationToken);
        await ExecuteAsync("UPDATE attempts SET leased_until = NULL WHERE payment_id = $1 AND leased_until IS NOT NULL", id, cancellationToken);
        (int, long, long) wanted = isSecond ? (2, errand.Amount, 0) : (1, 0, 0);
        var began = TimeProvider.System.GetTimestamp();
        (int Charges, long Kept, long Held) found;
        while ((found = await BooksAsync(known, cancellationToken)) != wanted)
        {
            if (TimeProvider.System.GetElapsedTime(began) > KillPointRun.Patience)
            {
                return ($"the books of {point.Provider} have {found.Charges} charges of {known}, {found.Kept} kept and {found.Held} held", false);
            }

            await Client.PauseAsync(100, cancellationToken);
        }

        // And stays so.
        problem = await run.RestAsync(cancellationToken);
        found = await BooksAsync(known, cancellationToken);
        tell($"{point}: {found.Charges} charges, {found.Kept} kept, {found.Held} held, {known}");
        return (problem ?? (found == wanted ? null : $"undone more than once: {found.Kept} kept and {found.Held} held of {known}"), false);
    }

    /// <summary>Somebody charges the same attempt once more, at the provider itself.</summary>
    private async Task ChargeAgainAsync(Errand errand, string payment, Guid id, CancellationToken cancellationToken)
    {
        var attempt = await ScalarAsync("SELECT id FROM attempts WHERE payment_id = $1 AND state = 'succeeded' ORDER BY opened_at LIMIT 1", id, cancellationToken);
        var form = new Dictionary<string, string>
        {
            ["amount"] = errand.Amount.ToString(CultureInfo.InvariantCulture),
            ["currency"] = errand.Currency.ToLowerInvariant(),
            ["payment_method"] = "pm_card_visa",
            ["payment_method_types[0]"] = "card",
            ["capture_method"] = "automatic",
            ["confirm"] = "true",
            ["metadata[merchant_id]"] = errand.Shop.Id,
            ["metadata[payment_id]"] = payment,
            ["metadata[attempt_id]"] = AttemptId.From(attempt).ToString(),
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/v1/payment_intents", UriKind.Relative)) { Content = new FormUrlEncodedContent(form) };
        request.Headers.Authorization = new("Bearer", fleet.Secrets.StripeApiKey);
        request.Headers.Add("Idempotency-Key", string.Create(CultureInfo.InvariantCulture, $"by-hand-{++charges}"));
        using var answer = await simulators.SendAsync(request, cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    private Task AgeAsync(Guid payment, CancellationToken cancellationToken) =>
        ExecuteAsync("UPDATE holds SET held_since = now() - interval '8 days', leased_until = NULL WHERE payment_id = $1", payment, cancellationToken);

    /// <summary>The outside truth of a payment: how many charges it has, what they took and kept, and what they still hold.</summary>
    private async Task<(int Charges, long Kept, long Held)> BooksAsync(string payment, CancellationToken cancellationToken)
    {
        var books = await simulators.GetFromJsonAsync<JsonElement>(new Uri($"/books/stripe?reference={payment}", UriKind.Relative), cancellationToken);
        var found = books.GetProperty("charges").EnumerateArray().ToArray();
        static long Number(JsonElement charge, string name) => charge.GetProperty(name).GetInt64();
        return (
            found.Length, found.Sum(c => Number(c, "amount_captured") - Number(c, "amount_refunded")),
            found.Sum(c => Number(c, "amount") - Number(c, "amount_captured") - Number(c, "amount_voided")));
    }

    private async Task ExecuteAsync(string sql, Guid payment, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(fleet.ConnectionString(Names.Databases.Payments));
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = payment } } };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<Guid> ScalarAsync(string sql, Guid payment, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(fleet.ConnectionString(Names.Databases.Payments));
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = payment } } };
        return (Guid)(await command.ExecuteScalarAsync(cancellationToken) ?? throw new InvalidOperationException("The payment has no such attempt."));
    }
}
