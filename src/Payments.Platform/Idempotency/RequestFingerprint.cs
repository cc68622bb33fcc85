using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Payments.Platform.Secrets;

namespace Payments.Platform.Idempotency;

/// <summary>
/// Tells whether two requests are the same: HMAC-SHA256 over method, path with query, and the body with its members sorted and without
/// white space. Keyed, because a body may hold a card number, whose plain hash could be searched.
/// </summary>
public sealed class RequestFingerprint(byte[] key)
{
    /// <exception cref="InvalidOperationException"><c>Payments:Secrets:FingerprintKey</c> is missing or not 32 bytes of base64.</exception>
    public static RequestFingerprint From(IConfiguration configuration) => new(SecretKeys.Read(configuration, SecretKeys.Fingerprint));

    /// <summary>32 bytes.</summary>
    /// <param name="target">Path with query, as it was sent.</param>
    /// <param name="body">Any bytes; what is not JSON counts as it is.</param>
    public byte[] Of(string method, string target, ReadOnlyMemory<byte> body)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(target);
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(Encoding.UTF8.GetBytes($"{method}\n{target}\n"));
        hmac.AppendData(Canonical(body).Span);
        return hmac.GetHashAndReset();
    }

    /// <summary>A keyed hash of a few words for a purpose, 32 bytes: equal for equal words, useless without the key.</summary>
    public byte[] OfWords(string purpose, params ReadOnlySpan<string> words)
    {
        ArgumentNullException.ThrowIfNull(purpose);
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(Encoding.UTF8.GetBytes(purpose));
        foreach (var word in words)
        {
            // Nothing else here holds U+0000, so no two lists of words read alike.
            hmac.AppendData([0]);
            hmac.AppendData(Encoding.UTF8.GetBytes(word));
        }

        return hmac.GetHashAndReset();
    }

    private static ReadOnlyMemory<byte> Canonical(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var buffer = new ArrayBufferWriter<byte>(body.Length);
            using (var writer = new Utf8JsonWriter(buffer))
            {
                Write(writer, document.RootElement);
            }

            return buffer.WrittenMemory;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return body;
        }
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in value.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.Number:
                writer.WriteRawValue(value.GetRawText());
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
