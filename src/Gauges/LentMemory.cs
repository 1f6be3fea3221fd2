namespace Loadline.Gauges;

/// <summary>
/// Whether this virtual machine lends memory that is free to its host: then whoever takes a page that nobody used for a while waits until the host has given
/// one for it.
/// </summary>
internal static class LentMemory
{
    // VIRTIO_ID_BALLOON, and VIRTIO_BALLOON_F_REPORTING of the features that driver and device agreed on: virtio 1.2, 5.5.
    private const string Balloon = "0x0005";
    private const int Reporting = 5;

    /// <summary>By the machine's virtio devices. False where nobody says.</summary>
    /// <param name="root">Before <c>/sys</c>.</param>
    public static bool IsLent(string root = "")
    {
        var devices = Path.Join(root, "/sys/bus/virtio/devices");
        try
        {
            return Directory.Exists(devices) && Directory.EnumerateDirectories(devices)
                .Any(device => Read(device, "device") == Balloon && Read(device, "features") is { Length: > Reporting } features && features[Reporting] == '1');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Read(string device, string file) => File.ReadAllText(Path.Join(device, file)).Trim();
}
