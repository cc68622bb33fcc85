using System.IO.Compression;
using System.Text;
using System.Text.Json.Serialization;
using Payments.Simulators.Books;

namespace Payments.Simulators.Wire;

/// <summary>What was once answered under an idempotency key; its id is provider and key.</summary>
public sealed record StoredAnswer : Entity
{
    public required string Fingerprint { get; init; }

    public required int Status { get; init; }

    /// <summary>The body.</summary>
    public string? Text { get; init; }

    /// <summary>The body as books of older versions hold it. Deflating costs more than the room on disk is worth.</summary>
    public byte[]? Deflated { get; init; }

    public required string RequestId { get; init; }

    public required DateTimeOffset Created { get; init; }

    public bool Pruned { get; init; }

    /// <summary>Where the body stands in the journal; memory does not keep it.</summary>
    [JsonIgnore]
    public JournalPosition Position { get; init; }

    [JsonIgnore]
    public override bool IsGone => Pruned;

    [JsonIgnore]
    public string Body => Text ?? Inflate(Deflated ?? throw new InvalidDataException("A stored answer has no body."));

    public static string IdOf(string provider, string key) => $"{provider}:{key}";

    private static string Inflate(byte[] deflated)
    {
        using var inflating = new DeflateStream(new MemoryStream(deflated), CompressionMode.Decompress);
        using var reader = new StreamReader(inflating, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
