using System.Diagnostics.Metrics;
using Npgsql;
using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>
/// The other side of a listing: payments that hold or moved money by our books, and that the provider's list of their time does not have. A list may
/// lag, so the provider is asked for each of them; where it does not know it, or knows it as nothing, a person is told, and of a list that lacks too many to be asked for. No money is moved.
/// </summary>
public sealed class MissingCharges(NpgsqlDataSource database, NoticeStore notices, IdSource ids, ILogger<MissingCharges> logger)
{
    private const string InMoney = "provider_reference IS NOT NULL AND (captured > capture_reversed OR authorized > captured + released)";

    /// <summary>Of one stretch: a list that lacks more is broken as a whole, and the provider is not to be asked for thousands.</summary>
    private const int MostAsked = 100;

    private static readonly Meter Meter = new("Payments.Api");
    private static readonly Counter<long> Asked = Meter.CreateCounter<long>("payments.charges.asked", "{charge}", "Payments that a provider's list did not have, by provider and whether it has them.");

    private sealed record Expected(MerchantId Merchant, PaymentId Payment, string Reference);

    /// <param name="listed">All that the provider listed of the stretch.</param>
    /// <returns>False where the provider did not tell: the stretch is to be looked through again.</returns>
    public async Task<bool> LookAsync(IConnector connector, TakenStretch stretch, TimeSpan overlap, IReadOnlyCollection<string> listed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connector);
        ArgumentNullException.ThrowIfNull(stretch);
        var expected = await ExpectedAsync(stretch, overlap, cancellationToken);
        var missing = ChargeMatching.Missing(listed, expected.Keys);
        if (missing.Count > MostAsked)
        {
            await TellOfListAsync(connector, stretch, missing.Count, expected.Count, cancellationToken);
        }

        foreach (var reference in missing.Take(MostAsked))
        {
            var reading = await connector.ReadChargeAsync(reference, cancellationToken);
            if (reading.Kind is not (ReadBackKind.Found or ReadBackKind.NotFound))
            {
                return false;
            }

            var has = reading is { Kind: ReadBackKind.Found, Charge: null or { Counts: true } };
            Asked.Add(1, new("payments.provider", Words.Of(connector.Provider)), new("payments.verdict", has ? "listed_late" : "missing"));
            if (!has && await IsInMoneyAsync(expected[reference], stretch.Mode, cancellationToken))
            {
                await RaiseAsync(connector, expected[reference], cancellationToken);
            }
        }

        return true;
    }

    // Made half an overlap before the end of the stretch, so that its list has them, and since half an overlap before its beginning: stretch by stretch each
    // payment once. One that took longer than that to be authorized, as behind a challenge, is left to reconciliation.
    private async Task<Dictionary<string, Expected>> ExpectedAsync(TakenStretch stretch, TimeSpan overlap, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"""
            SELECT merchant_id, id, provider_reference FROM payments
            WHERE id >= $1 AND id < $2 AND provider = $3 AND mode = $4 AND authorized_at < $5 AND {InMoney}
            """).With(
            Id.FirstAt(stretch.From + (overlap / 2)), Id.FirstAt(stretch.Until - (overlap / 2)), Words.Of(stretch.Provider), Words.Of(stretch.Mode), stretch.Until - (overlap / 10));
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var expected = new Dictionary<string, Expected>(StringComparer.Ordinal);
        while (await row.ReadAsync(cancellationToken))
        {
            expected[row.GetString(2)] = new(new(row.GetGuid(0)), new(row.GetGuid(1)), row.GetString(2));
        }

        return expected;
    }

    /// <summary>It may have been voided while the provider was asked.</summary>
    private async Task<bool> IsInMoneyAsync(Expected payment, Mode mode, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"SELECT EXISTS (SELECT FROM payments WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND provider_reference = $4 AND {InMoney})")
            .With(payment.Merchant.Value, Words.Of(mode), payment.Payment.Value, payment.Reference);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>Nobody asks for the rest: a person does, once for a list however often it lacks them.</summary>
    private async Task TellOfListAsync(IConnector connector, TakenStretch stretch, int missing, int expected, CancellationToken cancellationToken)
    {
        Log.ListLacksMany(logger, connector.Provider, missing, expected, MostAsked);
        var provider = Words.Of(connector.Provider);
        await notices.RaiseAsync(
            null, connector.Mode, null,
            new Incident(
                ids.New<IncidentId>(), IncidentKinds.ChargeMissing, null,
                $"{provider}'s list of charges from {stretch.From:yyyy-MM-dd HH:mm} to {stretch.Until:yyyy-MM-dd HH:mm} UTC lacks {missing} of {expected} payments; {MostAsked} of them are asked for, the others are not.")
            { Subject = $"{provider}:list" },
            cancellationToken);
    }

    private async Task RaiseAsync(IConnector connector, Expected payment, CancellationToken cancellationToken)
    {
        Log.ChargeMissing(logger, payment.Payment, connector.Provider, payment.Reference);
        await notices.RaiseAsync(
            payment.Merchant, connector.Mode, payment.Payment,
            new Incident(ids.New<IncidentId>(), IncidentKinds.ChargeMissing, null, $"{Words.Of(connector.Provider)} does not have {payment.Reference}, by which payment {payment.Payment} holds or moved money here.")
            { Subject = $"{Words.Of(connector.Provider)}:{payment.Reference}" },
            cancellationToken);
    }
}
