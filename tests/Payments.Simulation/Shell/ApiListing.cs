using Payments.Api.Flow;
using Payments.Core;
using Payments.Simulation.World;

namespace Payments.Simulation.Shell;

/// <summary>The listing of a provider's charges, and what becomes of those that no payment is called by (Recovery/ChargeListing, Phantoms).</summary>
internal sealed partial class ApiProcess
{
    /// <summary>One round over the charges whose name is not known here.</summary>
    public async Task ListChargesAsync(IReadOnlyList<ProviderCharge> listed)
    {
        foreach (var charge in listed)
        {
            var decision = ChargeMatching.Decide(charge, await storage.KnowledgeAsync(charge));
            switch (decision.Verdict)
            {
                case ChargeVerdict.Tell:
                    var payment = await storage.FindAsync(decision.Payment!.PaymentId) ?? throw new InvariantException("a payment never disappears");
                    await LearnAsync(payment, Facts.Of(charge, ids.New<AttemptId>(), ids.New<OperationId>(), process.GetUtcNow()));
                    break;
                case ChargeVerdict.Known or ChargeVerdict.Ignore:
                    break;
                default:
                    // Nothing is charged before its attempt is durable, so that every charge is told to the payment that made it.
                    throw new InvariantException($"a charge of this product is never taken for a phantom ({decision.Verdict})");
            }
        }
    }
}
