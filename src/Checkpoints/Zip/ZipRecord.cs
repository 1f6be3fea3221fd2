namespace Loadline.Checkpoints.Zip;

/// <summary>A record as the archive's directory declares it.</summary>
/// <param name="Name">The name below the archive's top folder.</param>
/// <param name="IsFolder">Whether it says that it is one.</param>
/// <param name="Method">0 stored, 8 deflated.</param>
/// <param name="IsEncrypted">Whether a password was used.</param>
/// <param name="CompressedBytes">The payload's length in the file.</param>
/// <param name="Bytes">The payload's length uncompressed.</param>
/// <param name="HeaderPosition">Where the local header starts.</param>
internal sealed record ZipRecord(string Name, bool IsFolder, ushort Method, bool IsEncrypted, long CompressedBytes, long Bytes, long HeaderPosition);
