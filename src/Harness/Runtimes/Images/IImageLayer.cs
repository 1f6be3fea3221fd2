namespace Loadline.Harness.Runtimes.Images;

/// <summary>Files of an image that lie over those of the layers below.</summary>
internal interface IImageLayer
{
    /// <summary>About what it holds.</summary>
    long Bytes { get; }

    /// <summary>Writes it as a tar that is not compressed. Nothing of the moment goes in: the same files give the same bytes.</summary>
    void WriteTo(Stream tar);
}
