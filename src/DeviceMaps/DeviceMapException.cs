namespace Loadline.DeviceMaps;

/// <summary>
/// A device map that cannot be: it leaves out a tensor, names one that is not there, parts tied ones, or exceeds a limit; or no map fits the devices. The
/// message is one line with the names and the next step. Nothing was loaded.
/// </summary>
public sealed class DeviceMapException(string message) : ArgumentException(message);
