using Npgsql;
using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>
/// Brings the charges that a provider has and we do not into the books: as payments of the merchants that they name, as facts of the
/// payments that they belong to, or as breaks against suspense. Whoever finds a charge comes here; the same charge twice, also at
/// once, comes in once: its name in <c>provider_references</c> and in <c>breaks</c> is unique.
/// </summary>
public sealed class Phantoms(
    NpgsqlDataSource database, IMerchants merchants, PaymentStore store, PaymentWriter writer, Learning learning, NoticeStore notices, Breaks breaks,
    Recoveries recoveries, IdSource ids, TimeProvider time, ILogger<Phantoms> logger)
{
    /// <summary>A charge is made at most so long after its payment was written: an unknown outcome is sent again for 20 hours.</summary>
    private static readonly TimeSpan LongestTry = TimeSpan.FromDays(2);

    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(10);

    /// <param name="finder">Who found it: for the record.</param>
    public async Task<ChargeVerdict> TakeInAsync(ProviderCharge charge, string finder, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(charge);
        while (true)
        {
            var decision = ChargeMatching.Decide(charge, await KnowledgeAsync(charge, cancellationToken));
            switch (decision.Verdict)
            {
                case ChargeVerdict.Tell:
                    await TellAsync(charge, decision.Payment!, cancellationToken);
                    return decision.Verdict;
                case ChargeVerdict.Recover when !await RecoverAsync(charge, finder, cancellationToken):
                    // Another one took it in meanwhile.
                    break;
                case ChargeVerdict.Recover:
                    await notices.TakeUpAgainAsync(charge.Provider, charge.Mode, charge.Reference, CancellationToken.None);
                    return decision.Verdict;
                case ChargeVerdict.Suspend:
                    await breaks.OpenAsync(charge, finder, cancellationToken);
                    return decision.Verdict;
                default:
                    return decision.Verdict;
            }
        }
    }

    /// <summary>Raises a charge that our books cannot express.</summary>
    public Task UnreadableAsync(Provider provider, Mode mode, string reference, CancellationToken cancellationToken) => notices.RaiseAsync(
        null, mode, null,
        new Incident(ids.New<IncidentId>(), IncidentKinds.UnreadableCharge, null, $"{Words.Of(provider)} has a charge {reference} of another mode, in a currency that is not accepted here, or made in a way that we do not use.")
        { Subject = $"{Words.Of(provider)}:{reference}" },
        cancellationToken);

    private async Task<ChargeKnowledge> KnowledgeAsync(ProviderCharge charge, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT 1, NULL::uuid, NULL::uuid, NULL::text, NULL::text WHERE EXISTS (SELECT FROM provider_references WHERE provider = $1 AND mode = $2 AND reference = $3)
            UNION ALL
            SELECT 2, NULL, NULL, NULL, NULL WHERE EXISTS (SELECT FROM breaks WHERE provider = $1 AND mode = $2 AND reference = $3)
            UNION ALL
            SELECT 3, merchant_id, payment_id, mode, provider FROM attempts WHERE id = $4
            UNION ALL
            SELECT 4, merchant_id, id, mode, provider FROM payments WHERE id = $5
            """;
        await using var command = database.CreateCommand(sql)
            .With(Words.Of(charge.Provider), Words.Of(charge.Mode), charge.Reference, charge.AttemptId?.Value ?? Guid.Empty, charge.PaymentId?.Value ?? Guid.Empty);
        var known = new ChargeKnowledge(false, false, null, null, null, charge.MerchantId is { } merchant && await merchants.FindAsync(merchant, cancellationToken) is not null);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            known = row.GetInt32(0) switch
            {
                1 => known with { ReferenceKnown = true },
                2 => known with { Suspended = true },
                3 => known with { ByAttempt = Owner(row), AttemptProvider = Words.Parse<Provider>(row.GetString(4)) },
                _ => known with { ByPayment = Owner(row) },
            };
        }

        return known;
    }

    private static Owned Owner(NpgsqlDataReader row) => new(PaymentId.From(row.GetGuid(2)), MerchantId.From(row.GetGuid(1)), Words.Parse<Mode>(row.GetString(3)));

    private async Task TellAsync(ProviderCharge charge, Owned owner, CancellationToken cancellationToken)
    {
        var payment = await store.FindAsync(new PaymentKey(owner.MerchantId, owner.Mode, owner.PaymentId), cancellationToken)
            ?? throw new InvariantException("a payment never disappears");
        await learning.LearnAsync(payment, Facts.Of(charge, ids.New<AttemptId>(), ids.New<OperationId>(), time.GetUtcNow()));
    }

    /// <summary>False where another one has taken it in.</summary>
    private async Task<bool> RecoverAsync(ProviderCharge charge, string finder, CancellationToken cancellationToken)
    {
        using var span = Recoveries.Start(RecoveryKinds.PhantomPayment, charge.PaymentId);
        var merchant = await merchants.FindAsync(charge.MerchantId!.Value, cancellationToken) ?? throw new InvariantException("a merchant never disappears");
        var blank = BlankOf(charge, merchant, IsPlausible(charge) ? charge.PaymentId!.Value : ids.New<PaymentId>(), charge.AttemptId ?? ids.New<AttemptId>(), ids.New<OperationId>(), time.GetUtcNow());
        var (payment, happenings) = Recovering.Payment(charge, blank, ids.New<OperationId>);
        var name = $"{Words.Of(charge.Provider)}:{Words.Of(charge.Mode)}:{charge.Reference}";
        var recovered = Recovered.Of(
            ids.New<RecoveryId>(), RecoveryKinds.PhantomPayment, name, finder, "The provider has it, and we did not.", charge, payment.View()) with
        {
            MerchantId = payment.MerchantId,
            Mode = payment.Mode,
            PaymentId = payment.Id,
            AttemptId = blank.Opened.AttemptId,
        };
        var verdict = await writer.WriteAsync(new Change(0, payment, payment.Operations, happenings)
        {
            Reserve = new ProviderName(charge.Provider, charge.Reference),
            Volume = Changes.VolumeOf(payment, payment.Amount.Minor, null),
            Recoveries = [recovered],
            Incidents =
            [
                new Incident(
                    ids.New<IncidentId>(), IncidentKinds.PhantomPayment, blank.Opened.AttemptId,
                    $"{Words.Of(charge.Provider)} has {charge.Reference} over {charge.Amount}, made {charge.CreatedAt:O}, which was not known here ({finder}).")
                { Subject = name },
            ],
        });
        if (verdict != Verdict.Committed)
        {
            return false;
        }

        FlowTelemetry.Created(payment);
        recoveries.Tell(recovered);
        Log.PhantomTakenIn(logger, payment.Id, charge.Provider, charge.Reference, finder);
        return true;
    }

    /// <summary>What a payment made of a charge is called and costs: by the merchant's prices of now.</summary>
    internal static RecoveredBlank BlankOf(ProviderCharge charge, Merchant? merchant, PaymentId payment, AttemptId attempt, OperationId authorization, DateTimeOffset at)
    {
        var method = charge.Card;
        return new RecoveredBlank(
            payment, merchant?.Id ?? default, merchant?.Plan.Version ?? 0, merchant?.Plan.PriceOf(method, charge.Amount) ?? new Price(0, 0),
            ProviderCosts.PriceOf(charge.Provider, method, charge.Amount), new NewOperation(authorization, attempt, at));
    }

    /// <summary>An echoed number must be of the time of its charge, or it would land in a month where nobody looks.</summary>
    private static bool IsPlausible(ProviderCharge charge) =>
        charge.PaymentId is { } id && Id.TimeOf(id.Value) > charge.CreatedAt - LongestTry && Id.TimeOf(id.Value) < charge.CreatedAt + Skew;
}
