using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Loadline.Harness.Runtimes.Images;

/// <summary>
/// The documents of an image: OCI's config, manifest, index and layout (image-spec 1.0), and the list of Docker's archives. Nothing of the moment is in them.
/// </summary>
internal static class OciDocuments
{
    /// <summary>A layer that is not compressed: its digest depends on its files alone, and not on a version of zlib. Who pushes it compresses it.</summary>
    public const string LayerType = "application/vnd.oci.image.layer.v1.tar";

    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    private const string IndexType = "application/vnd.oci.image.index.v1+json";
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";
    private const string Created = "1970-01-01T00:00:00Z";

    /// <summary>The file <c>oci-layout</c>.</summary>
    public static byte[] Layout => Bytes(new JsonObject { ["imageLayoutVersion"] = "1.0.0" });

    /// <summary>How containers start, and which layers there are.</summary>
    public static Blob Config(ImageSettings settings, IReadOnlyList<Blob> layers) => Blob.Of(ConfigType, Bytes(new JsonObject
    {
        ["created"] = Created,
        ["architecture"] = ImageSettings.Architecture,
        ["os"] = "linux",
        ["config"] = new JsonObject
        {
            ["Env"] = Texts(settings.Environment.Select(variable => $"{variable.Key}={variable.Value}")),
            ["Entrypoint"] = Texts([settings.Entrypoint]),
            ["WorkingDir"] = "/",
            ["Labels"] = new JsonObject(settings.Labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))),
        },
        ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = Texts(layers.Select(layer => layer.Digest)) },
        ["history"] = new JsonArray([.. layers.Select(_ => new JsonObject { ["created"] = Created, ["created_by"] = "loadline image" })]),
    }));

    /// <summary>An image: its config and its layers.</summary>
    public static Blob Manifest(Blob config, IReadOnlyList<Blob> layers) => Blob.Of(ManifestType, Bytes(new JsonObject
    {
        ["schemaVersion"] = 2,
        ["mediaType"] = ManifestType,
        ["config"] = Descriptor(config),
        ["layers"] = new JsonArray([.. layers.Select(Descriptor)]),
    }));

    /// <summary>The file <c>index.json</c>: one image under its name.</summary>
    public static byte[] Index(Blob manifest, ImageName name)
    {
        var entry = Descriptor(manifest);
        // containerd and Podman name an image by the first, which is containerd's; others by the second, which is OCI's.
        entry["annotations"] = new JsonObject { ["io.containerd.image.name"] = name.Full, ["org.opencontainers.image.ref.name"] = name.Tag };
        entry["platform"] = new JsonObject { ["architecture"] = ImageSettings.Architecture, ["os"] = "linux" };
        return Bytes(new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = IndexType, ["manifests"] = new JsonArray(entry) });
    }

    /// <summary>The file <c>manifest.json</c>, which Docker before 25 reads in place of the others.</summary>
    public static byte[] DockerList(Blob config, IReadOnlyList<Blob> layers, ImageName name) => Bytes(new JsonArray(new JsonObject
    {
        ["Config"] = config.Path,
        ["RepoTags"] = Texts([name.ToString()]),
        ["Layers"] = Texts(layers.Select(layer => layer.Path)),
    }));

    private static JsonObject Descriptor(Blob blob) => new() { ["mediaType"] = blob.MediaType, ["digest"] = blob.Digest, ["size"] = blob.Bytes.Length };

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);

    private static byte[] Bytes(JsonNode document)
    {
        using var bytes = new MemoryStream();
        // The default would write the + of media types as \u002B.
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) document.WriteTo(json);
        return bytes.ToArray();
    }
}
