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

    /// <summary>The body, deflated: it is most of what a request writes, and hardly ever read again.</summary>
    public required byte[] Deflated { get; init; }

    public required string RequestId { get; init; }

    public required DateTimeOffset Created { get; init; }

    public bool Pruned { get; init; }

    /// <summary>Where the body stands in the journal; memory does not keep it.</summary>
    [JsonIgnore]
    public JournalPosition Position { get; init; }

    [JsonIgnore]
    public override bool IsGone => Pruned;

    [JsonIgnore]
    public string Body
    {
        get
        {
            using var inflating = new DeflateStream(new MemoryStream(Deflated), CompressionMode.Decompress);
            using var reader = new StreamReader(inflating, Encoding.UTF8);
            return reader.ReadToEnd();
        }
    }

    public static byte[] Deflate(string body)
    {
        using var deflated = new MemoryStream();
        using (var deflating = new DeflateStream(deflated, CompressionLevel.Fastest, leaveOpen: true))
        {
            deflating.Write(Encoding.UTF8.GetBytes(body));
        }

        return deflated.ToArray();
    }

    public static string IdOf(string provider, string key) => $"{provider}:{key}";
}
