using System.Text.Json;
using System.Text.Json.Serialization;
using Payments.AllInOne.Embedded;

namespace Payments.AllInOne;

/// <summary><c>run.json</c>: what another program must know to use a running product.</summary>
public sealed record RunFile
{
    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public required string Api { get; init; }

    public required string Vault { get; init; }

    /// <summary>For the tools of reconciliation: it answers to the internal key alone.</summary>
    public required string Ledger { get; init; }

    public required string? Console { get; init; }

    public required string? Dashboard { get; init; }

    public required SimulatorAddresses Simulators { get; init; }

    public required string MerchantId { get; init; }

    public required string SecretKey { get; init; }

    public required string PublishableKey { get; init; }

    public required string OperatorKey { get; init; }

    public required int Pid { get; init; }

    public required IReadOnlyDictionary<string, string> ConnectionStrings { get; init; }

    /// <summary>Stripe's client libraries talk HTTP, Adyen's insist on HTTPS; <c>base</c> is where books and faults are.</summary>
    public sealed record SimulatorAddresses
    {
        [JsonPropertyName("base")]
        public required string Base { get; init; }

        public required string Stripe { get; init; }

        public required string Adyen { get; init; }
    }

    public static string PathIn(string directory) => Path.Combine(directory, "run.json");

    /// <summary>It holds keys and passwords, so only its owner can read it.</summary>
    public Task WriteAsync(string directory, CancellationToken cancellationToken) =>
        PrivatePath.WriteAsync(PathIn(directory), JsonSerializer.Serialize(this, Format), cancellationToken);
}
