using System.Buffers.Text;
using System.Security.Cryptography;
using Aspire.Hosting.Publishing;

namespace Payments.AppHost;

/// <summary>The product's own secrets: parameters in Azure, made once and kept in user secrets on this machine.</summary>
internal sealed class Secrets(IDistributedApplicationBuilder builder)
{
    /// <summary>What services show each other.</summary>
    public IResourceBuilder<ParameterResource> InternalKey { get; } = builder.AddSecret("internal-key", bytes => Base64Url.EncodeToString(bytes));

    /// <summary>Seals secrets that must be read back.</summary>
    public IResourceBuilder<ParameterResource> EncryptionKey { get; } = builder.AddSecret("encryption-key", Convert.ToBase64String);

    /// <summary>Keys the fingerprints of cards and requests.</summary>
    public IResourceBuilder<ParameterResource> FingerprintKey { get; } = builder.AddSecret("fingerprint-key", Convert.ToBase64String);

    /// <summary>The first operator's key.</summary>
    public IResourceBuilder<ParameterResource> OperatorKey { get; } = builder.AddSecret("operator-key", bytes => "ok_" + Base64Url.EncodeToString(bytes));
}

internal static class SecretParameters
{
    /// <summary>A secret of 32 random bytes, written as <paramref name="format"/> says; in Azure whoever deploys provides it.</summary>
    public static IResourceBuilder<ParameterResource> AddSecret(this IDistributedApplicationBuilder builder, string name, Func<byte[], string> format) =>
        builder.ExecutionContext.IsRunMode
            ? builder.AddParameter(name, new RandomSecret(format), secret: true, persist: true)
            : builder.AddParameter(name, secret: true);

    private sealed class RandomSecret(Func<byte[], string> format) : ParameterDefault
    {
        public override string GetDefaultValue() => format(RandomNumberGenerator.GetBytes(32));

        public override void WriteToManifest(ManifestPublishingContext context) =>
            throw new NotSupportedException("Secrets that were made on this machine stay on it.");
    }
}
