namespace Loadline.Checkpoints.Zip;

/// <summary>
/// Numbers of the ZIP format that reader and writer share. Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.5; all numbers little-endian.
/// </summary>
internal static class ZipFormat
{
    public const uint LocalHeader = 0x04034b50;
    public const uint CentralHeader = 0x02014b50;
    public const uint End = 0x06054b50;
    public const uint End64 = 0x06064b50;
    public const uint End64Locator = 0x07064b50;

    public const int LocalHeaderBytes = 30;
    public const int CentralHeaderBytes = 46;
    public const int EndBytes = 22;
    public const int End64Bytes = 56;
    public const int End64LocatorBytes = 20;

    public const ushort Stored = 0;
    public const ushort Deflated = 8;
    public const ushort EncryptedFlag = 0x1;
    public const ushort Utf8Flag = 0x800;

    /// <summary>MS-DOS's bit among the external attributes.</summary>
    public const uint FolderAttribute = 0x10;

    /// <summary>The extra field that holds what does not fit 32 bits.</summary>
    public const ushort Zip64Extra = 0x0001;

    /// <summary>"FB": PyTorch's extra field of padding, which puts payloads at multiples of 64.</summary>
    public const ushort PaddingExtra = 0x4246;

    /// <summary>What a 32-bit field holds when the number stands in a ZIP64 field.</summary>
    public const uint Saturated32 = uint.MaxValue;

    /// <summary>The same for 16 bits.</summary>
    public const ushort Saturated16 = ushort.MaxValue;
}
