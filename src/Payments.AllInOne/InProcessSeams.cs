using Payments.Core;
using Payments.Core.Seams;

namespace Payments.AllInOne;

/// <summary>
/// The seams between services without HTTP: each call goes to the implementation in the other service's container, which is
/// built later than the caller's and therefore looked up when called.
/// </summary>
internal sealed class InProcessSeams
{
    public IServiceProvider? Api { get; set; }

    public IServiceProvider? Vault { get; set; }

    public IServiceProvider? Fraud { get; set; }

    /// <summary>Registers the seams that <paramref name="service"/> does not implement itself, ahead of its HTTP clients.</summary>
    public void AddTo(IServiceCollection services, string service)
    {
        if (service != Platform.Names.Services.Vault)
        {
            services.AddSingleton<IVault>(new VaultNextDoor(() => Of<IVault>(Vault)));
        }

        if (service != Platform.Names.Services.Fraud)
        {
            services.AddSingleton<IFraudScorer>(new FraudScorerNextDoor(() => Of<IFraudScorer>(Fraud)));
        }

        if (service != Platform.Names.Services.Api)
        {
            services.AddSingleton<IKeyDirectory>(new KeyDirectoryNextDoor(() => Of<IKeyDirectory>(Api)));
        }
    }

    private static T Of<T>(IServiceProvider? services)
        where T : notnull =>
        (services ?? throw new InvalidOperationException($"{typeof(T).Name} was called before its service was built.")).GetRequiredService<T>();

    private sealed class VaultNextDoor(Func<IVault> vault) : IVault
    {
        public Task<CardToken?> FindAsync(MerchantId merchant, Mode mode, TokenId token, CancellationToken cancellationToken) =>
            vault().FindAsync(merchant, mode, token, cancellationToken);

        public Task<long> EraseAsync(MerchantId merchant, Mode mode, ContextErasure erasure, CancellationToken cancellationToken) =>
            vault().EraseAsync(merchant, mode, erasure, cancellationToken);
    }

    private sealed class FraudScorerNextDoor(Func<IFraudScorer> scorer) : IFraudScorer
    {
        public Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken) =>
            scorer().ScoreAsync(request, cancellationToken);
    }

    private sealed class KeyDirectoryNextDoor(Func<IKeyDirectory> directory) : IKeyDirectory
    {
        public Task<KeyIdentity?> FindAsync(string sha256Hex, CancellationToken cancellationToken) =>
            directory().FindAsync(sha256Hex, cancellationToken);
    }
}
