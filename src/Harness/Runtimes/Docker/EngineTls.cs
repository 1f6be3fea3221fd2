using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Docker.DotNet.Handler.Abstractions;
using Docker.DotNet.X509;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>How to speak TLS with an Engine, as docker's own command does: with the files <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c> of a folder.</summary>
/// <param name="Folder">Where they lie. The first names who may have signed the Engine's certificate, the others show who we are; each may be missing.</param>
/// <param name="Verify">Whether the Engine must show that it is the host it was called by.</param>
internal sealed record EngineTls(string Folder, bool Verify)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string AnyUse = "2.5.29.37.0";

    /// <summary>For Docker.DotNet.</summary>
    /// <exception cref="RuntimeException">A file is no certificate or no key.</exception>
    public IAuthProvider Credentials()
    {
        try
        {
            var (ca, certificate, key) = (PathOf("ca.pem"), PathOf("cert.pem"), PathOf("key.pem"));
            var own = File.Exists(certificate) ? DockerTlsCertificates.LoadCertificateFromPemFiles(certificate, key) : null;
            return new CertificateCredentials(own) { ServerCertificateValidationCallback = Validation(ca) };
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new RuntimeException($"docker: the certificates in {Folder} cannot be read: {DockerEngine.OneLine(e.Message)}", e);
        }
    }

    private RemoteCertificateValidationCallback? Validation(string ca)
    {
        if (!Verify) return (_, _, _, _) => true;
        if (!File.Exists(ca)) return null;
        var isSigned = DockerTlsCertificates.CreateCertificateAuthorityValidationCallback(DockerTlsCertificates.LoadCertificateAuthorityFromPemFile(ca));
        // Docker.DotNet looks at the signature alone: a certificate that was signed for another host is refused here.
        // Nor is one that was signed to show who a client is.
        return (sender, certificate, chain, errors) => MayServe(certificate) &&
            (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) == SslPolicyErrors.None && isSigned(sender, certificate, chain, errors);
    }

    // Without the extension a certificate is for everything (RFC 5280, 4.2.1.12).
    private static bool MayServe(X509Certificate? certificate) => certificate is not X509Certificate2 { Extensions: var extensions }
        || extensions.OfType<X509EnhancedKeyUsageExtension>().All(use => use.EnhancedKeyUsages.Cast<Oid>().Any(id => id.Value is ServerAuthentication or AnyUse));

    private string PathOf(string file) => Path.Combine(Folder, file);
}
