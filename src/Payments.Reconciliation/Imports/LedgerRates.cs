using System.Net.Http.Json;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;
using Payments.Platform.Postgres;
using Payments.Reconciliation.Bookings;

namespace Payments.Reconciliation.Imports;

/// <summary>
/// Takes over the ledger's exchange rates. A version of a pair never changes, so what is here is asked for no more, and the same told again
/// changes nothing.
/// </summary>
public sealed class LedgerRates(NpgsqlDataSource database, IHttpClientFactory clients)
{
    private static readonly Uri After = new("internal/ledger/rates/after", UriKind.Relative);

    /// <summary>All that is newer than what is here; returns how many.</summary>
    /// <exception cref="HttpRequestException">The ledger does not answer, or refuses.</exception>
    public async Task<int> TakeAsync(CancellationToken cancellationToken)
    {
        using var ledger = clients.CreateInternalClient(Booker.Service);
        for (var taken = 0; ;)
        {
            using var answer = await ledger.PostAsJsonAsync(After, new KnownRates(await KnownAsync(cancellationToken)), Json.Options, cancellationToken);
            answer.EnsureSuccessStatusCode();
            var list = await answer.Content.ReadFromJsonAsync<LedgerRateList>(Json.Options, cancellationToken) ?? throw new HttpRequestException("The ledger's answer is empty.");
            if (list.Rates.Count == 0)
            {
                return taken;
            }

            taken += await KeepAsync(list.Rates, cancellationToken);
        }
    }

    private async Task<List<KnownRate>> KnownAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT currency, net_currency, max(version) FROM recon.rates WHERE version > 0 GROUP BY currency, net_currency ORDER BY currency, net_currency");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var known = new List<KnownRate>();
        while (await reader.ReadAsync(cancellationToken))
        {
            known.Add(new(reader.GetString(0), reader.GetString(1), reader.GetInt64(2)));
        }

        return known;
    }

    private async Task<int> KeepAsync(IReadOnlyList<LedgerRate> rates, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            INSERT INTO recon.rates (day, currency, net_currency, rate, source, version, valid_from, valid_until)
            SELECT (r.valid_from AT TIME ZONE 'UTC')::date, r.* FROM unnest($1::text[], $2::text[], $3::numeric[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[])
                AS r (currency, net_currency, rate, source, version, valid_from, valid_until)
            ON CONFLICT DO NOTHING
            """).With(
            rates.Select(r => r.Base).ToArray(), rates.Select(r => r.Quote).ToArray(), rates.Select(r => r.Rate).ToArray(), rates.Select(r => r.Source).ToArray(), rates.Select(r => r.Version).ToArray(),
            rates.Select(r => r.ValidFrom.UtcDateTime).ToArray(), rates.Select(r => r.ValidUntil.UtcDateTime).ToArray());
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
