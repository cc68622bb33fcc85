using Npgsql;
using Payments.Core;

namespace Payments.Reconciliation.Imports;

/// <summary>The rates at which we expect exchanges, and what a line that was paid out in another currency is in the item's.</summary>
public sealed class Rates
{
    private readonly Dictionary<(string, string), List<(DateOnly Day, decimal Rate)>> known = [];
    private readonly Dictionary<(string, string), List<(DateTimeOffset From, DateTimeOffset Until, decimal Rate)>> valid = [];

    public static async Task<Rates> LoadAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(database);
        var rates = new Rates();
        await using var command = database.CreateCommand("SELECT currency, net_currency, day, rate, valid_from, valid_until FROM recon.rates ORDER BY currency, net_currency, version, day");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (await reader.IsDBNullAsync(4, cancellationToken))
            {
                rates.Add(reader.GetString(0), reader.GetString(1), reader.GetFieldValue<DateOnly>(2), reader.GetDecimal(3));
            }
            else
            {
                rates.Add(reader.GetString(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(4), reader.GetFieldValue<DateTimeOffset>(5), reader.GetDecimal(3));
            }
        }

        return rates;
    }

    /// <summary>One of the ledger's; the versions of a pair are added in their order.</summary>
    public void Add(string currency, string netCurrency, DateTimeOffset from, DateTimeOffset until, decimal rate)
    {
        if (!valid.TryGetValue((currency, netCurrency), out var versions))
        {
            valid.Add((currency, netCurrency), versions = []);
        }

        versions.Add((from, until, rate));
    }

    /// <summary>One beside the ledger's, from a day on; in the order of their days.</summary>
    public void Add(string currency, string netCurrency, DateOnly day, decimal rate)
    {
        if (!known.TryGetValue((currency, netCurrency), out var days))
        {
            known.Add((currency, netCurrency), days = []);
        }

        days.Add((day, rate));
    }

    /// <summary>
    /// Fee and net in the item's currency at the rate that the ledger has for the line's time (the newest version; else the last one known
    /// on the day beside it). The rest of the gross is what the exchange took. Without a rate nothing is expected, and all that is not fee counts as paid.
    /// </summary>
    public (long Fee, long Fx, long Net) InItemCurrency(StatementLine line, DateOnly day)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (line.Currency == line.NetCurrency)
        {
            return (line.Fee, 0, line.Net);
        }

        if (RateOf(line, day) is not { } rate)
        {
            // Theirs, so that what they exchanged comes back as it went: the fee by its share.
            var paid = checked((Int128)line.Net + line.Fee);
            var share = paid == 0 ? 0 : (long)Rounded((decimal)line.Fee * line.Gross / (decimal)paid);
            return (share, 0, checked(line.Gross - share));
        }

        var scale = Power(Currency.Of(line.NetCurrency).Exponent - Currency.Of(line.Currency).Exponent);
        var (fee, net) = ((long)Rounded(line.Fee / (rate * scale)), (long)Rounded(line.Net / (rate * scale)));
        return (fee, checked(line.Gross - fee - net), net);
    }

    private decimal? RateOf(StatementLine line, DateOnly day)
    {
        var versions = valid.GetValueOrDefault((line.Currency, line.NetCurrency), []);
        for (var i = versions.Count - 1; i >= 0; i--)
        {
            if (versions[i].From <= line.OccurredAt && line.OccurredAt < versions[i].Until)
            {
                return versions[i].Rate;
            }
        }

        decimal? last = null;
        foreach (var (from, rate) in known.GetValueOrDefault((line.Currency, line.NetCurrency), []))
        {
            if (from > day)
            {
                break;
            }

            last = rate;
        }

        return last;
    }

    private static decimal Rounded(decimal amount) => Math.Round(amount, 0, MidpointRounding.AwayFromZero);

    private static decimal Power(int exponent)
    {
        var power = 1m;
        for (var i = 0; i < Math.Abs(exponent); i++)
        {
            power *= 10;
        }

        return exponent < 0 ? 1 / power : power;
    }
}
