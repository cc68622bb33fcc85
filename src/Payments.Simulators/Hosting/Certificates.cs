using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Payments.Simulators.Hosting;

/// <summary>
/// A certificate authority of this installation and a certificate for localhost signed by it, both in the data directory.
/// Clients trust <c>ca.pem</c>.
/// </summary>
public sealed class Certificates
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(3650);
    private readonly string directory;
    private readonly TimeProvider clock;
    private readonly Lazy<X509Certificate2> leaf;

    public Certificates(string directory, TimeProvider clock)
    {
        this.directory = directory;
        this.clock = clock;
        leaf = new Lazy<X509Certificate2>(LoadOrCreate);
    }

    public string CaPath => Path.Combine(directory, "ca.pem");

    public X509Certificate2 Leaf => leaf.Value;

    private X509Certificate2 LoadOrCreate()
    {
        var path = Path.Combine(directory, "localhost.pem");
        if (!File.Exists(path) || !File.Exists(CaPath))
        {
            Create(path);
        }

        using var pem = X509Certificate2.CreateFromPemFile(path);

        // Kestrel wants a key that is not ephemeral on every platform: a round trip through PKCS#12 makes it so.
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), password: null);
    }

    private void Create(string path)
    {
        Directory.CreateDirectory(directory);
        var from = clock.GetUtcNow().AddDays(-1);
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var caRequest = new CertificateRequest("CN=Payments simulators CA", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        caRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        caRequest.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(caRequest.PublicKey, critical: false));
        using var ca = caRequest.CreateSelfSigned(from, from + Lifetime);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(ca, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        using var certificate = request.Create(ca, from, from + Lifetime - TimeSpan.FromDays(1), RandomNumberGenerator.GetBytes(16));

        WritePrivately(path, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        File.WriteAllText(CaPath, ca.ExportCertificatePem() + "\n");
    }

    private static void WritePrivately(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var writer = new StreamWriter(path, options);
        writer.Write(text);
    }
}
